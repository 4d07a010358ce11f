"""Evidence items as JSON, for whatever skill they are shown with."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from streams.rows.layout import Array
from streams.rows.row import MAX_EVIDENCE
from streams.rows.row_batch import RowBatch
from streams.scoring.json_columns import SkillIndices, dates, grouped, integers, joined_columns, json_string, numbers
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
        return RowEvidence(rows, shown, self._names)


@dataclass(frozen=True, slots=True)
class RowEvidence:
    """The evidence items of rows; `shown` are those that are written, shape (rows, skills, MAX_EVIDENCE)."""

    rows: RowBatch
    shown: Array
    names: Mapping[int, bytes]

    def write(self, at: SkillIndices, form: bytes | None = None) -> list[bytes]:
        """The items of each skill, in `form` where there are any; each skill numbers its own, so that ids are unique
        within an update.
        """
        owner, slot = np.nonzero(self.shown[at])
        at_items = at[0][owner], at[1][owner], slot
        code, weight, value, time_s = (
            self.rows.evidence_items[name][at_items] for name in ("code", "weight", "value", "time_s")
        )
        seconds, of_second = np.unique(time_s, return_inverse=True)
        items = joined_columns(
            b'{"id":"e', integers(at_items[1] * MAX_EVIDENCE + slot + 1),
            b'","fact":', map(self.names.__getitem__, code.tolist()),
            b',"value":', numbers(value),
            b',"direction":', integers(np.sign(weight)),
            b',"time":"', map(dates(seconds * 1_000).__getitem__, of_second.tolist()),
            b'"}',
        )  # fmt: skip
        return grouped(items, owner, len(at[0]), form)


def evidence_names(skill_set: SkillSet) -> dict[int, str]:
    """What an evidence item's code stands for: as its evidence item is called."""
    phrases = {
        phrase_code(phrase): PHRASE_PREFIX + phrase for skill in skill_set.skills.values() for phrase in skill.lexicon
    }
    return {**phrases, **dict(enumerate(FACTS)), RUBRIC: RUBRIC_FACT}
