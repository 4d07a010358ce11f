"""Contributions as JSON: what each source said of a skill, and what it added."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.registry import Types
from streams.evidence.source import EstimateStatus
from streams.scoring.fusion import ScoredBatch
from streams.scoring.json_columns import (
    Column,
    SkillIndices,
    integers,
    joined_columns,
    json_string,
    numbers,
    numerals,
    significant,
)

LOG_ODDS_DIGITS: Final = 3
_RECORDED_DIGITS: Final = 6
"""Of what a remote source said: `verify` takes it from here, since it asks none again."""
_SPEAKS: Final = {EstimateStatus.OK.value: b'{"p":', EstimateStatus.STALE.value: b'{"status":"stale","p":'}
_SILENT: Final = {EstimateStatus.ABSENT.value: b"", EstimateStatus.FAILED.value: b'{"status":"failed"}'}


class Contributions:
    """Writes what sources of these types said, those among them that are `shown`."""

    def __init__(self, types: Types, shown: Iterable[str]) -> None:
        self._shown = sorted(shown)
        self._remote = {each.name for each in types if each.remote}

    def write(self, scored: ScoredBatch, at: SkillIndices) -> Column:
        """The field with the parts of the sources at each place, and a comma before it; nothing where none said a
        thing.
        """
        by_source = [self._of(name, scored, at) for name in self._shown if name in scored.estimates]
        if not by_source:
            return b""
        return [
            b',"contributions":{%b}' % b",".join(texts) if (texts := [*filter(None, of_skill)]) else b""
            for of_skill in zip(*by_source, strict=True)
        ]

    def _of(self, name: str, scored: ScoredBatch, at: SkillIndices) -> Sequence[bytes]:
        """One source's part at each place; nothing where it was absent."""
        estimate, named = scored.estimates[name], json_string(name) + b":"
        status = estimate.status[at]
        spoke = np.isin(status, list(_SPEAKS))
        said = at[0][spoke], at[1][spoke]
        p, n, age_s = estimate.p[said], estimate.n[said], estimate.age_s[said]
        exact = name in self._remote
        pieces = joined_columns(
            named, map(_SPEAKS.__getitem__, status[spoke].tolist()),
            numbers(p, _RECORDED_DIGITS) if exact else numbers(p),
            b',"n":', numbers(n, _RECORDED_DIGITS) if exact else numerals(significant(n)),
            b',"age_s":', numbers(age_s, _RECORDED_DIGITS) if exact else integers(np.round(age_s)),
            _log_odds(scored, name, said, _RECORDED_DIGITS if exact else LOG_ODDS_DIGITS),
            b"}",
        )  # fmt: skip
        silent = {code: text and named + text for code, text in _SILENT.items()}
        return [next(pieces) if one in _SPEAKS else silent[one] for one in status.tolist()]


def _log_odds(scored: ScoredBatch, name: str, said: SkillIndices, digits: int) -> Column:
    """What a source added, where it is part of the score."""
    carries: NDArray[np.bool_] = scored.fused.carries[name][said]
    texts = numbers(scored.fused.log_odds[name][said], digits)
    return [b',"log_odds":%b' % text if one else b"" for text, one in zip(texts, carries.tolist(), strict=True)]
