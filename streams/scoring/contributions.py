"""Contributions as JSON: what each source said of a skill, and what it added."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.registry import Types
from streams.evidence.source import EstimateStatus
from streams.rows.layout import Array
from streams.scoring.fusion import ScoredBatch
from streams.scoring.json_columns import (
    SCORE_DIGITS,
    Column,
    SkillIndices,
    grouped,
    joined_columns,
    json_string,
    numerals,
    significant,
)

LOG_ODDS_DIGITS: Final = 3
_RECORDED_DIGITS: Final = 6
"""Of what a remote source said: `verify` takes it from here, since it asks none again."""
_STARTS: Final = {
    EstimateStatus.OK.value: b'%b:{"p":',
    EstimateStatus.STALE.value: b'%b:{"status":"stale","p":',
    EstimateStatus.FAILED.value: b'%b:{"status":"failed"}',
}
_FAILED: Final = EstimateStatus.FAILED.value


class Contributions:
    """Writes what sources of these types said, those among them that are `shown`."""

    def __init__(self, types: Types, shown: Iterable[str]) -> None:
        self._shown = sorted(shown)
        self._starts = {
            name: {status: form % json_string(name) for status, form in _STARTS.items()} for name in self._shown
        }
        self._remote = {each.name for each in types if each.remote}

    def write(self, scored: ScoredBatch, at: SkillIndices) -> Column:
        """The field with what sources said at each place, and a comma before it; nothing where none said a thing."""
        names = [name for name in self._shown if name in scored.estimates]
        if not names:
            return b""
        estimates = [scored.estimates[name] for name in names]
        all_status = _beside([each.status for each in estimates], at)
        owner, source = said = np.nonzero(all_status != EstimateStatus.ABSENT.value)
        status = all_status[said].tolist()
        p, n, age_s, log_odds, carries = (
            _beside(of_sources, at)[said]
            for of_sources in (
                [each.p for each in estimates],
                [each.n for each in estimates],
                [each.age_s for each in estimates],
                [scored.fused.log_odds[name] for name in names],
                [scored.fused.carries[name] for name in names],
            )
        )
        exact = np.array([name in self._remote for name in names])[source]
        starts = [self._starts[name] for name in names]
        texts = joined_columns(
            [starts[number][code] for number, code in zip(source.tolist(), status, strict=True)],
            _written(np.round(p, SCORE_DIGITS), p, exact),
            b',"n":', _written(significant(n), n, exact),
            b',"age_s":', _written(np.rint(age_s), age_s, exact),
            _where(carries, _written(np.round(log_odds, LOG_ODDS_DIGITS), log_odds, exact)),
            b"}",
        )  # fmt: skip
        if _FAILED in status:
            texts = iter(
                [
                    starts[number][code] if code == _FAILED else text
                    for number, code, text in zip(source.tolist(), status, texts, strict=True)
                ]
            )
        return grouped(texts, owner, len(at[0]), b',"contributions":{%b}')


def _beside(of_sources: "list[NDArray[Any]]", at: SkillIndices) -> Array:
    """What each source has at each place; shape (places, sources)."""
    return np.array([each[at] for each in of_sources]).T


def _written(rounded: Array, values: Array, exact: NDArray[np.bool_]) -> list[bytes]:
    """Each number `rounded`, or with the digits of a record where it is to be `exact`."""
    return numerals(np.where(exact, np.round(values, _RECORDED_DIGITS), rounded) if exact.any() else rounded)


def _where(carries: NDArray[np.bool_], log_odds: list[bytes]) -> list[bytes]:
    """What sources added, where they are part of the score."""
    return [b',"log_odds":%b' % text if one else b"" for text, one in zip(log_odds, carries.tolist(), strict=True)]
