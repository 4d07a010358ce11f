"""From fused scores to the messages of `skill-updates`, written as JSON.

Column by column: the numbers of one skill are formatted all at once, and what belongs to one student is joined in C. An
object for every skill, contribution and piece of evidence, to be encoded and thrown away, costs half as much again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, Final

import msgspec
import numpy as np
import orjson
from numpy.typing import NDArray

from schemas.update import LEVELS, UPDATE_VERSION, SkillUpdate
from streams.evidence.artifacts import Artifact
from streams.evidence.registry import Types, config_version
from streams.evidence.source import Estimate, EstimateStatus
from streams.rows.layout import Array
from streams.rows.row import MAX_EVIDENCE
from streams.rows.row_batch import RowBatch
from streams.scoring.fusion import ScoredBatch
from streams.skills.skill_set import SkillSet
from streams.vocabulary import FACTS, PHRASE_PREFIX, RUBRIC, RUBRIC_FACT, phrase_code

_DIGITS: Final = 6
_UPDATES: Final = msgspec.json.Decoder(SkillUpdate)
_SPEAKS: Final = {EstimateStatus.OK.value: b"ok", EstimateStatus.STALE.value: b"stale"}
_SILENT: Final = {
    EstimateStatus.ABSENT.value: b'{"status":"absent"}',
    EstimateStatus.FAILED.value: b'{"status":"failed"}',
}
_BOOLEANS: Final = (b"false", b"true")
_LEVELS: Final = [level.encode() for level in LEVELS]
Column = bytes | Iterable[bytes]
_IndexArrays = tuple[Array, ...]
"""Rows and columns of the same number, by row and then by column."""


class UpdateWriter:
    """Writes the updates of one skill set and artifact; `config_version` names both, and the sources."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact, types: Types) -> None:
        self.config_version = config_version(skill_set, types, artifact)
        self._sources = [each.name for each in types]
        self._trained = {each.name for each in types if each.trained}
        self._levels = skill_set.levels
        self._names = [_text(name) for name in skill_set.names]
        self._rests_on = [
            _text(skill.rests_on(sources, labelled=not self._trained.isdisjoint(sources)))
            for skill in skill_set.skills.values()
            for sources in _subsets(self._sources)
        ]
        self._evidence_names = {code: _text(name) for code, name in evidence_names(skill_set).items()}
        self._ends_with = b',"config_version":%b,"model":%b}' % (_text(self.config_version), _text(artifact.id))

    def write(self, keys: Sequence[bytes], scored: ScoredBatch) -> list[bytes]:
        """One SkillUpdate a row, which are those of `keys`, encoded; skills without any evidence are left out."""
        headers = scored.rows.headers
        at = np.nonzero(~np.isnan(scored.fused.score))
        updates = _joined(
            b'{"version":%d,"student_id":' % UPDATE_VERSION, map(_text, map(bytes.decode, keys)),
            b',"seq":[', _integers(headers["epoch"]), b",", _integers(headers["offset"]),
            b'],"as_of":"', _dates(headers["as_of_us"] // 1_000),
            b'","skills":{', _grouped(self._skills(at, scored), at[0], len(keys)),
            b'},"degraded":', _degraded(scored.failed, len(keys)),
            self._ends_with,
        )  # fmt: skip
        return list(updates)

    def _skills(self, at: _IndexArrays, scored: ScoredBatch) -> Iterator[bytes]:
        """The scores at those places."""
        fused, estimates = scored.fused, scored.estimates
        score, confidence = fused.score[at], fused.confidence[at]
        column = at[1].tolist()
        carried = {name: carries[at] for name, carries in fused.carries.items()}
        validated = np.zeros(len(column), np.bool_)
        for name in self._trained & carried.keys():
            validated |= carried[name]
        contributions: list[Column] = []
        for name, estimate in sorted(estimates.items()):
            contributions += [b"," if contributions else b"", _text(name) + b":"]
            contributions.append(_contributions(estimate, fused.log_odds[name], at))
        return _joined(
            map(self._names.__getitem__, column),
            b':{"score":', _numbers(score),
            b',"low":', _numbers(fused.low[at]),
            b',"high":', _numbers(fused.high[at]),
            b',"confidence":', _numbers(confidence),
            b',"level":"', map(_LEVELS.__getitem__, self._levels.classify(score, confidence).tolist()),
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
    pieces = _joined(
        b'{"status":"', map(_SPEAKS.__getitem__, status[spoke].tolist()),
        b'","p":', _numbers(estimate.p[said]),
        b',"n":', _numbers(estimate.n[said]),
        b',"age_s":', _numbers(estimate.age_s[said]),
        b',"log_odds":', _numbers(log_odds[said]),
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
    items = _joined(
        b'{"id":"e', _integers(at[1][row_at] * MAX_EVIDENCE + slot + 1),
        b'","fact":', map(names.__getitem__, code[shown].tolist()),
        b',"value":', _numbers(value[shown]),
        b',"direction":', _integers(np.sign(weight[shown])),
        b',"time":"', map(_dates(seconds * 1_000).__getitem__, of_second.tolist()),
        b'"}',
    )  # fmt: skip
    return _grouped(items, row_at, len(at[0]))


def _speaks(status: Array) -> Array:
    return np.isin(status, list(_SPEAKS))


def _degraded(failed: Mapping[str, NDArray[np.bool_]], row_indices: int) -> Iterator[bytes]:
    """The names of the sources that failed, for each row."""
    return (
        orjson.dumps([name for name, of_source in failed.items() if of_source[row_index]])
        for row_index in range(row_indices)
    )


def _grouped(texts: Iterable[bytes], owner: Array, owners: int) -> Iterator[bytes]:
    """Each owner's texts as one, with commas; they are in the order of their owners."""
    ordered = list(texts)
    ends = np.cumsum(np.bincount(owner, minlength=owners)).tolist()
    return (b",".join(ordered[start:end]) for start, end in zip([0, *ends], ends, strict=False))


def _joined(*columns: Column) -> Iterator[bytes]:
    """Line by row, what the columns hold; bytes are the same in every row."""
    return map(b"".join, zip(*(repeat(one) if isinstance(one, bytes) else one for one in columns), strict=False))


def _numbers(values: NDArray[np.float64]) -> list[bytes]:
    """Each of them in JSON, rounded; none may be NaN."""
    return _split(np.round(values, _DIGITS))


def _integers(values: "NDArray[np.integer[Any]]") -> list[bytes]:
    return _split(values.astype(np.int64))


def _split(values: "NDArray[Any]") -> list[bytes]:
    listed = orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)
    return listed[1:-1].split(b",") if len(values) else []


def read_update(update: bytes) -> SkillUpdate:
    """What an update says that was written here."""
    return _UPDATES.decode(update)


def rfc3339(time_us: int) -> str:
    """UTC, to the millisecond."""
    return _dates(np.array([time_us // 1_000]))[0].decode()


def _dates(times_ms: NDArray[np.int64]) -> list[bytes]:
    """As `rfc3339`, of many times at once."""
    return [b"%bZ" % time for time in np.datetime_as_string(times_ms.astype("datetime64[ms]")).astype("S").tolist()]


def _text(value: str) -> bytes:
    return orjson.dumps(value)
