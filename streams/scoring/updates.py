"""From fused scores to the messages of `skill-updates`, written as JSON.

Column by column (`streams.scoring.json_columns`): what belongs to one student is put together at the end.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.update import LEVELS, UPDATE_VERSION, SkillUpdate
from streams.evidence.artifacts import Artifact
from streams.evidence.registry import Types
from streams.evidence.source import Estimate, EstimateStatus
from streams.rows.layout import Array
from streams.rows.row import MAX_EVIDENCE
from streams.rows.row_batch import RowBatch
from streams.scoring.fusion import ScoredBatch
from streams.scoring.json_columns import Column, dates, grouped, integers, joined_columns, json_string, numbers
from streams.scoring.mastery_list import MasteryList
from streams.scoring.validated import is_out_of_range, is_validated
from streams.skills.skill_set import SkillSet
from streams.vocabulary import FACTS, PHRASE_PREFIX, RUBRIC, RUBRIC_FACT, phrase_code

_UPDATES: Final = msgspec.json.Decoder(SkillUpdate)
_SPEAKS: Final = {EstimateStatus.OK.value: b"ok", EstimateStatus.STALE.value: b"stale"}
_SILENT: Final = {
    EstimateStatus.ABSENT.value: b'{"status":"absent"}',
    EstimateStatus.FAILED.value: b'{"status":"failed"}',
}
_BOOLEANS: Final = (b"false", b"true")
_LEVELS: Final = [level.encode() for level in LEVELS]
_IndexArrays = tuple[Array, ...]
"""Rows and columns of the same number, by row and then by column."""


class UpdateWriter:
    """Writes the updates of one skill set and artifact, which name `config_version`."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact, types: Types, config_version: str) -> None:
        self._sources = [each.name for each in types]
        self._trained = {each.name for each in types if each.trained}
        self._levels = skill_set.levels
        self._names = [json_string(name) for name in skill_set.names]
        self._rests_on = [
            json_string(skill.rests_on(sources, labelled=not self._trained.isdisjoint(sources)))
            for skill in skill_set.skills.values()
            for sources in _subsets(self._sources)
        ]
        self._evidence_names = {code: json_string(name) for code, name in evidence_names(skill_set).items()}
        self._mastery = MasteryList.of(artifact, skill_set.names)
        self._ends_with = b',"config_version":%b,"model":%b}' % (
            json_string(config_version),
            json_string(artifact.id),
        )

    def write(self, keys: Sequence[bytes], scored: ScoredBatch) -> list[bytes]:
        """One SkillUpdate a row, which are those of `keys`, encoded; skills without any evidence are left out."""
        headers = scored.rows.headers
        at = np.nonzero(~np.isnan(scored.fused.score))
        updates = joined_columns(
            b'{"version":%d,"student_id":' % UPDATE_VERSION, map(json_string, map(bytes.decode, keys)),
            b',"seq":[', integers(headers["epoch"]), b",", integers(headers["offset"]),
            b'],"as_of":"', dates(headers["as_of_us"] // 1_000),
            b'","skills":{', grouped(self._skills(at, scored), at[0], len(keys)),
            b'},"degraded":', _degraded(scored.failed, len(keys)),
            self._mastery.write(scored.rows) if self._mastery else b"",
            self._ends_with,
        )  # fmt: skip
        return list(updates)

    def _skills(self, at: _IndexArrays, scored: ScoredBatch) -> Iterator[bytes]:
        """The scores at those places."""
        fused, estimates = scored.fused, scored.estimates
        score, confidence = fused.score[at], fused.confidence[at]
        column = at[1].tolist()
        carried = {name: carries[at] for name, carries in fused.carries.items()}
        out_of_range = is_out_of_range(estimates, fused, self._trained, at)
        validated = is_validated(fused, self._trained, at) & ~out_of_range
        level = np.where(out_of_range, 0, self._levels.classify(score, confidence))
        contributions: list[Column] = []
        for name, estimate in sorted(estimates.items()):
            contributions += [b"," if contributions else b"", json_string(name) + b":"]
            contributions.append(_contributions(estimate, fused.log_odds[name], at))
        return joined_columns(
            map(self._names.__getitem__, column),
            b':{"score":', numbers(score),
            b',"low":', numbers(fused.low[at]),
            b',"high":', numbers(fused.high[at]),
            b',"confidence":', numbers(confidence),
            b',"level":"', map(_LEVELS.__getitem__, level.tolist()),
            b'","validated":', map(_BOOLEANS.__getitem__, validated.tolist()),
            b',"rests_on":', map(self._rests_on.__getitem__, self._of_sources(at[1], carried).tolist()),
            b',"contributions":{', *contributions,
            b'},"evidence":[', _evidence(scored.rows, self._evidence_names, at),
            b"]}",
        )  # fmt: skip

    def _of_sources(self, skill: Array, carried: Mapping[str, NDArray[np.bool_]]) -> Array:
        """Where the words for each skill and set of sources are."""
        bits: Array = sum(
            (carried[name] << bit for bit, name in enumerate(self._sources) if name in carried), np.zeros_like(skill)
        )
        return np.asarray(skill * 2 ** len(self._sources) + bits)


def _subsets(names: Sequence[str]) -> list[list[str]]:
    """All of them; bit k of a subset's index says whether it has the k-th name."""
    return [[name for bit, name in enumerate(names) if mask >> bit & 1] for mask in range(2 ** len(names))]


def evidence_names(skill_set: SkillSet) -> dict[int, str]:
    """What an evidence item's code stands for: as its evidence item is called."""
    phrases = {
        phrase_code(phrase): PHRASE_PREFIX + phrase for skill in skill_set.skills.values() for phrase in skill.lexicon
    }
    return {**phrases, **dict(enumerate(FACTS)), RUBRIC: RUBRIC_FACT}


def _contributions(estimate: Estimate, log_odds: NDArray[np.float64], at: _IndexArrays) -> list[bytes]:
    """One source's part in the score at each place."""
    status = estimate.status[at]
    spoke = _speaks(status)
    said = at[0][spoke], at[1][spoke]
    pieces = joined_columns(
        b'{"status":"', map(_SPEAKS.__getitem__, status[spoke].tolist()),
        b'","p":', numbers(estimate.p[said]),
        b',"n":', numbers(estimate.n[said]),
        b',"age_s":', numbers(estimate.age_s[said]),
        b',"log_odds":', numbers(log_odds[said]),
        b"}",
    )  # fmt: skip
    return [_SILENT.get(one) or next(pieces) for one in status.tolist()]


def _evidence(row_batch: RowBatch, names: Mapping[int, bytes], at: _IndexArrays) -> Iterator[bytes]:
    """The evidence items at each place; each skill numbers its own, so that ids are unique within an update.

    An event told by a phrase that the skill set no longer has is left out.
    """
    code, weight, value, time_s = (row_batch.evidence_items[name][at] for name in ("code", "weight", "value", "time_s"))
    row_at, slot = shown = np.nonzero((weight != 0) & np.isin(code, list(names)))
    seconds, of_second = np.unique(time_s[shown], return_inverse=True)
    items = joined_columns(
        b'{"id":"e', integers(at[1][row_at] * MAX_EVIDENCE + slot + 1),
        b'","fact":', map(names.__getitem__, code[shown].tolist()),
        b',"value":', numbers(value[shown]),
        b',"direction":', integers(np.sign(weight[shown])),
        b',"time":"', map(dates(seconds * 1_000).__getitem__, of_second.tolist()),
        b'"}',
    )  # fmt: skip
    return grouped(items, row_at, len(at[0]))


def _speaks(status: Array) -> Array:
    return np.isin(status, list(_SPEAKS))


def _degraded(failed: Mapping[str, NDArray[np.bool_]], row_indices: int) -> Iterator[bytes]:
    """The names of the sources that failed, for each row."""
    return (
        orjson.dumps([name for name, of_source in failed.items() if of_source[row_index]])
        for row_index in range(row_indices)
    )


def read_update(update: bytes) -> SkillUpdate:
    """What an update says that was written here."""
    return _UPDATES.decode(update)


def rfc3339(time_us: int) -> str:
    """UTC, to the millisecond."""
    return dates(np.array([time_us // 1_000]))[0].decode()
