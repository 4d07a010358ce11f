"""Evidence items as JSON, for whatever skill they are shown with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from streams.rows.layout import Array
from streams.rows.row import MAX_EVIDENCE
from streams.rows.row_batch import RowBatch
from streams.rows.tasks import NO_TASK, TaskNames, keys_of
from streams.scoring.json_columns import (
    Column,
    SkillIndices,
    dates,
    grouped,
    integers,
    joined_columns,
    json_string,
    numbers,
)
from streams.skills.skill_set import SkillSet
from streams.vocabulary import FACTS, PHRASE, PHRASE_PREFIX, RUBRIC, RUBRIC_FACT, phrase_code


class EvidenceTexts:
    """Writes the evidence items of a skill set."""

    def __init__(self, skill_set: SkillSet) -> None:
        self._names = {code: json_string(name) for code, name in evidence_names(skill_set).items()}
        self._phrases = np.array([code for code in self._names if code >= PHRASE], np.int64)

    def of(self, rows: RowBatch) -> "RowEvidence":
        """Those of these rows. One told by a phrase that the skill set no longer has is left out."""
        shown = np.asarray(rows.evidence_items["weight"] != 0)
        of_phrase = np.nonzero(shown & (rows.evidence_items["code"] >= PHRASE))
        if len(of_phrase[0]):
            shown[of_phrase] = np.isin(rows.evidence_items["code"][of_phrase], self._phrases)
        return RowEvidence(rows, shown, self._names, TaskTexts.of(rows.sections["tasks"]))


@dataclass(frozen=True, slots=True)
class TaskTexts:
    """What tasks are called, as JSON: `texts[i]` is of the task with the key `keys[i]`, which are ascending; behind the
    last there is an empty one.
    """

    keys: Array
    texts: Sequence[bytes]

    @classmethod
    def of(cls, sections: Sequence[bytes]) -> Self:
        """Of these parts of rows."""
        if not any(sections):
            return cls(np.zeros(0, np.int64), [b""])
        tasks = TaskNames.of(sections)
        names = tasks.names()
        written = {name: b',"task":%b' % json_string(name.decode()) for name in set(names)}
        return cls(tasks.keys, [*map(written.__getitem__, names), b""])

    def write(self, row: Array, task: Array) -> Column:
        """The tasks of items, of their rows; nothing of an item that has none."""
        if len(self.texts) == 1:
            return b""
        keys = keys_of(row, task)
        at = np.searchsorted(self.keys, keys)
        known = (task != NO_TASK) & (np.append(self.keys, -1)[at] == keys)
        return map(self.texts.__getitem__, np.where(known, at, len(self.texts) - 1).tolist())


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """The evidence items of rows; `shown` are those that are written, shape (rows, skills, MAX_EVIDENCE)."""

    rows: RowBatch
    shown: Array
    names: Mapping[int, bytes]
    tasks: TaskTexts

    def write(self, at: SkillIndices, form: bytes | None = None) -> list[bytes]:
        """The items of each skill, in `form` where there are any; each skill numbers its own, so that ids are unique
        within an update.
        """
        owner, slot = np.nonzero(self.shown[at])
        at_items = at[0][owner], at[1][owner], slot
        code, weight, value, time_s, task = (
            self.rows.evidence_items[name][at_items] for name in ("code", "weight", "value", "time_s", "task")
        )
        seconds, of_second = np.unique(time_s, return_inverse=True)
        items = joined_columns(
            b'{"id":"e', integers(at_items[1] * MAX_EVIDENCE + slot + 1),
            b'","fact":', map(self.names.__getitem__, code.tolist()),
            b',"value":', numbers(value),
            b',"direction":', integers(np.sign(weight)),
            b',"time":"', map(dates(seconds * 1_000).__getitem__, of_second.tolist()),
            b'"', self.tasks.write(at_items[0], task),
            b"}",
        )  # fmt: skip
        return grouped(items, owner, len(at[0]), form)


def evidence_names(skill_set: SkillSet) -> dict[int, str]:
    """What an evidence item's code stands for: as its evidence item is called."""
    phrases = {
        phrase_code(phrase): PHRASE_PREFIX + phrase for skill in skill_set.skills.values() for phrase in skill.lexicon
    }
    return {**phrases, **dict(enumerate(FACTS)), RUBRIC: RUBRIC_FACT}
