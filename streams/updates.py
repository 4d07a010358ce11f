"""From fused scores to the messages of `skill-updates`.

Column by column: what is the same for all students of a skill is done in arrays, once a batch; what is left to do for
each student is to put ready-made numbers and strings together.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat
from typing import Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from schemas.update import UPDATE_VERSION, Contribution, EvidenceItem, SkillScore, SkillUpdate
from streams.artifacts import Artifact
from streams.block import Block
from streams.evidence.source import Opinion, Status
from streams.facts import FACTS
from streams.fusion import Fused
from streams.layout import Array
from streams.row import MAX_EVIDENCE, RUBRIC, phrase_code
from streams.skills import Levels, SkillSet

_DIGITS: Final = 6
_SILENT: Final = {
    Status.ABSENT.value: Contribution(status="absent"),
    Status.FAILED.value: Contribution(status="failed"),
}

Level = Literal["unknown", "emerging", "developing", "proficient"]
_LEVELS: Final[tuple[Level, ...]] = get_args(Level)


class UpdateWriter:
    """Writes the updates of one skill set and artifact; `config_version` names both."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact) -> None:
        self._levels = skill_set.levels
        self._names = skill_set.names
        self._model = artifact.id
        self._rests_on = [skill.basis for skill in skill_set.skills.values()]
        self._has_model = [name in artifact.card.skills for name in skill_set.names]
        self._told = told_names(skill_set)
        self.config_version = f"{skill_set.config_version}-{artifact.digest[:8]}"

    def write(
        self, students: Sequence[str], block: Block, opinions: Mapping[str, Opinion], fused: Fused
    ) -> list[SkillUpdate]:
        """One update a student; skills without any evidence are left out. Notes each score in its line of the block."""
        known = ~np.isnan(fused.score)
        for name, values in (("score", fused.score), ("confidence", fused.confidence)):
            block.cells[name][known] = values[known]
        skills: list[dict[str, SkillScore]] = [{} for _ in students]
        batch = _Batch.of(block, opinions, fused, self._told)
        levels = levels_of(fused.score, fused.confidence, self._levels)
        for column, name in enumerate(self._names):
            lines = np.flatnonzero(known[:, column])
            scores = self._scores(column, lines, levels[lines, column].tolist(), batch)
            for line, score in zip(lines.tolist(), scores, strict=True):
                skills[line][name] = score
        head = block.head
        return [
            SkillUpdate(
                version=UPDATE_VERSION,
                student_id=student,
                seq=seq,
                as_of=as_of,
                skills=of_student,
                degraded=degraded,
                config_version=self.config_version,
                model=self._model,
            )
            for student, seq, as_of, of_student, degraded in zip(
                students,
                zip(head["epoch"].tolist(), head["offset"].tolist(), strict=True),
                dates(head["as_of_us"] // 1_000),
                skills,
                _degraded(opinions, len(students)),
                strict=True,
            )
        ]

    def _scores(self, column: int, lines: Array, levels: list[int], batch: "_Batch") -> Iterator[SkillScore]:
        """The scores of one skill, for those lines."""
        names = [source.name for source in batch.sources]
        contributions = zip(*(source.contributions(lines, column) for source in batch.sources), strict=True)
        numbers = (one[lines, column].tolist() for one in batch.numbers)
        for value, low, high, sure, level, parts, items in zip(
            *numbers,
            levels,
            (dict(zip(names, parts, strict=True)) for parts in contributions),
            batch.evidence.items(lines, column),
            strict=True,
        ):
            yield SkillScore(
                score=value,
                low=low,
                high=high,
                confidence=sure,
                level=_LEVELS[level],
                validated=self._has_model[column] and _spoke(parts.get("model")),
                rests_on=self._rests_on[column],
                contributions=parts,
                evidence=items,
            )


def _spoke(part: Contribution | None) -> bool:
    return part is not None and part.p is not None


def levels_of(score: Array, confidence: Array, levels: Levels) -> Array:
    """The level that each score is in, `unknown` where too little is known to claim one; as an index of Level."""
    level = 1 + (score >= levels.developing) + (score >= levels.proficient)
    return np.where(confidence < levels.min_confidence, 0, level)


def told_names(skill_set: SkillSet) -> dict[int, str]:
    """What a telling event's code stands for: a fact's name, "rubric", or "~" and a phrase."""
    phrases = {phrase_code(phrase): f"~{phrase}" for skill in skill_set.skills.values() for phrase in skill.lexicon}
    return {**phrases, **dict(enumerate(FACTS)), RUBRIC: "rubric"}


class _Evidence:
    """The telling events of a batch, rounded and dated."""

    def __init__(self, block: Block, names: Mapping[int, str]) -> None:
        told = block.told
        self._names = names
        self._there = told["weight"] != 0
        self._values = np.round(told["value"], _DIGITS)
        self._told = told
        times_s, self._time = np.unique(told["time_s"], return_inverse=True)
        self._time = self._time.reshape(told["time_s"].shape)
        self._times = dates(times_s * 1_000)

    def items(self, lines: Array, column: int) -> list[list[EvidenceItem]]:
        """Each line's items of one skill; each skill has numbers of its own, so ids are unique within the update.

        An event told by a phrase that the skill set no longer has is left out.
        """
        line, slot = np.nonzero(self._there[lines, column])
        at = (lines[line], column, slot)
        items: list[list[EvidenceItem]] = [[] for _ in lines]
        for place, number, code, value, weight, time in zip(
            line.tolist(),
            (slot + column * MAX_EVIDENCE + 1).tolist(),
            self._told["code"][at].tolist(),
            self._values[at].tolist(),
            self._told["weight"][at].tolist(),
            self._time[at].tolist(),
            strict=True,
        ):
            fact = self._names.get(code)
            if fact is not None:
                items[place].append(
                    EvidenceItem(
                        id=f"e{number}",
                        fact=fact,
                        value=value,
                        direction=1 if weight > 0 else -1,
                        time=self._times[time],
                    )
                )
        return items


@dataclass(frozen=True, slots=True)
class _Said:
    """What one source said of a batch. `numbers` are p, n, age in s and log-odds, rounded."""

    name: str
    status: Array
    numbers: tuple[Array, ...]

    def contributions(self, lines: Array, column: int) -> list[Contribution]:
        """Its part in each line's score of one skill."""
        return [
            _SILENT.get(status)
            or Contribution(status="ok" if status == 1 else "stale", p=p, n=n, age_s=age_s, log_odds=part)
            for status, p, n, age_s, part in zip(
                self.status[lines, column].tolist(),
                *(one[lines, column].tolist() for one in self.numbers),
                strict=True,
            )
        ]


@dataclass(frozen=True, slots=True)
class _Batch:
    """All that is written of a batch. `numbers` are score, low, high and confidence, rounded."""

    numbers: tuple[Array, ...]
    sources: list[_Said]
    evidence: _Evidence

    @classmethod
    def of(cls, block: Block, opinions: Mapping[str, Opinion], fused: Fused, told: Mapping[int, str]) -> "_Batch":
        """Sources in the order of their names."""
        return cls(
            _rounded(fused.score, fused.low, fused.high, fused.confidence),
            [
                _Said(name, one.status, _rounded(one.p, one.n, one.age_s, fused.log_odds[name]))
                for name, one in sorted(opinions.items())
            ],
            _Evidence(block, told),
        )


def _degraded(opinions: Mapping[str, Opinion], lines: int) -> Iterator[list[str]]:
    """The names of the sources that failed, for each line."""
    failed = {name: np.any(opinions[name].status == Status.FAILED, axis=1) for name in sorted(opinions)}
    if not any(of_source.any() for of_source in failed.values()):
        return repeat([], lines)
    return ([name for name, of_source in failed.items() if of_source[line]] for line in range(lines))


def rfc3339(time_us: int) -> str:
    """UTC, to the millisecond."""
    return dates(np.array([time_us // 1_000]))[0]


def dates(times_ms: NDArray[np.int64]) -> list[str]:
    """As `rfc3339`, of many times at once."""
    return [f"{time}Z" for time in np.datetime_as_string(times_ms.astype("datetime64[ms]")).tolist()]


def _rounded(*numbers: Array) -> tuple[Array, ...]:
    return tuple(np.round(one, _DIGITS) for one in numbers)
