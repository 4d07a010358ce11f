"""Evidence items as JSON, for whatever skill they are shown with: arrays of a fact, its age, value, task, direction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from streams.rows.layout import Array
from streams.rows.row_batch import RowBatch
from streams.rows.tasks import NO_TASK, TaskNames, keys_of
from streams.scoring.json_columns import (
    Column,
    SkillIndices,
    grouped,
    integers,
    joined_columns,
    json_string,
    numerals,
    significant,
)
from streams.skills.skill_set import SkillSet
from streams.vocabulary import FACTS, PHRASE, PHRASE_PREFIX, RUBRIC, RUBRIC_FACT, phrase_code

_NO_TASK_TEXTS: Final = (b"", b",null")
_ENDS: Final = (b"]", b",-1]")


class EvidenceTexts:
    """Writes the evidence items of a skill set."""

    def __init__(self, skill_set: SkillSet) -> None:
        self._names = {code: b"[%b," % json_string(name) for code, name in evidence_names(skill_set).items()}

    def of(self, rows: RowBatch) -> "RowEvidence":
        """Those of these rows. One told by a phrase that the skill set no longer has is left out."""
        shown = np.asarray(rows.evidence_items["weight"] != 0)
        of_phrase = np.nonzero(shown & (rows.evidence_items["code"] >= PHRASE))
        if len(of_phrase[0]):
            shown[of_phrase] = [code in self._names for code in rows.evidence_items["code"][of_phrase].tolist()]
        return RowEvidence(rows, shown, self._names, TaskTexts.of(rows.sections["tasks"]))


@dataclass(frozen=True, slots=True)
class TaskTexts:
    """What tasks are called, as JSON: `texts[i]` is of the task with the key `keys[i]`, which are ascending; behind the
    last is what stands for none, at the end of an item and before something else.
    """

    keys: Array
    texts: Sequence[bytes]

    @classmethod
    def of(cls, sections: Sequence[bytes]) -> Self:
        """Of these parts of rows."""
        if not any(sections):
            return cls(np.zeros(0, np.int64), _NO_TASK_TEXTS)
        tasks = TaskNames.of(sections)
        names = tasks.names()
        written = {name: b",%b" % json_string(name.decode()) for name in set(names)}
        return cls(tasks.keys, [*map(written.__getitem__, names), *_NO_TASK_TEXTS])

    def find(self, row: Array, task: Array) -> Array:
        """Where the texts of items' tasks are, of their rows; -1 of an item that has none."""
        if not len(self.keys):
            return np.full(len(task), -1)
        keys = keys_of(row, task)
        at = self.keys.searchsorted(keys)
        known = (task != NO_TASK) & (self.keys.take(at, mode="clip") == keys)
        return np.where(known, at, -1)

    def write(self, at: Array, followed: Array) -> Column:
        """The texts there; of an item without a task, which is `followed` by something or not, what stands for it."""
        return map(self.texts.__getitem__, np.where(at >= 0, at, len(self.keys) + followed).tolist())


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """The evidence items of rows; `shown` are those that are written, shape (rows, skills, MAX_EVIDENCE)."""

    rows: RowBatch
    shown: Array
    names: Mapping[int, bytes]
    tasks: TaskTexts

    def write(self, at: SkillIndices) -> list[bytes]:
        """The field with the items of each skill, and a comma before it; nothing where there are none."""
        owner, slot = np.nonzero(self.shown[at])
        at_items = at[0][owner], at[1][owner], slot
        code, weight, value, time_s, task = (
            self.rows.evidence_items[name][at_items] for name in ("code", "weight", "value", "time_s", "task")
        )
        age_s = self.rows.headers["as_of_us"][at_items[0]] // 1_000_000 - time_s
        at_task, against = self.tasks.find(at_items[0], task), weight < 0
        value = significant(value)
        continues = (value != 1) | (at_task >= 0) | against
        items = joined_columns(
            map(self.names.__getitem__, code.tolist()), integers(age_s),
            [b",%b" % text if one else b"" for text, one in zip(numerals(value), continues.tolist(), strict=True)],
            self.tasks.write(at_task, against),
            map(_ENDS.__getitem__, against.tolist()),
        )  # fmt: skip
        return grouped(items, owner, len(at[0]), b',"evidence":[%b]')


def evidence_names(skill_set: SkillSet) -> dict[int, str]:
    """What an evidence item's code stands for: as its evidence item is called."""
    phrases = {
        phrase_code(phrase): PHRASE_PREFIX + phrase for skill in skill_set.skills.values() for phrase in skill.lexicon
    }
    return {**phrases, **dict(enumerate(FACTS)), RUBRIC: RUBRIC_FACT}
