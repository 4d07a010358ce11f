"""What changed since the end of the last week that had events, as JSON: arrays of a skill, two scores, and what for."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from streams.rows.layout import Array
from streams.rows.row_batch import RowBatch
from streams.rows.weeks import SCALE, UNSCORED, begins_s, week_of
from streams.scoring.evidence_texts import RowEvidence
from streams.scoring.fusion import ScoredBatch
from streams.scoring.json_columns import SkillIndices, grouped, indices_of, joined_columns, json_string, numbers
from streams.scoring.kinds import RATED, SCORED

LEAST_CHANGE: Final = 0.02
"""Less is not told: a score moves by as much when evidence ages."""


class ChangeTexts:
    """Writes the changes of skills of these names."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = [b"[%b," % json_string(name) for name in names]

    def write(self, scored: ScoredBatch, shown: Array, evidence: RowEvidence) -> list[bytes]:
        """The field with the changes of each row, and a comma before it; nothing where no score moved by LEAST_CHANGE.

        `shown` says how each skill is shown (`streams.scoring.kinds`).
        """
        rows, (of_rows, scores, _) = scored.rows, scored.weeks
        if not (scores["before"] != UNSCORED).any():
            return [b""] * len(rows)
        how, week = shown[of_rows], week_of(rows.headers["as_of_us"][of_rows])
        before, score = scores["before"].astype(np.int64), scores["score"].astype(np.int64)
        known = (before != UNSCORED) & (score != UNSCORED) & ((how == SCORED) | (how == RATED))
        index, skill = indices_of(known & (np.abs(score - before) >= round(LEAST_CHANGE * SCALE)))
        if not len(index):
            return [b""] * len(rows)
        before, score, at = before[index, skill], score[index, skill], (of_rows[index], skill)
        items = _because(rows, evidence, at, np.sign(score - before), begins_s(week[index]))
        texts = joined_columns(
            map(self._names.__getitem__, skill.tolist()), numbers(before / SCALE),
            b",", numbers(score / SCALE),
            [b",%d]" % item if item else b"]" for item in items],
        )  # fmt: skip
        return grouped(texts, at[0], len(rows), b',"changed":[%b]')


def _because(rows: RowBatch, evidence: RowEvidence, at: SkillIndices, direction: Array, since_s: Array) -> list[int]:
    """Of each change, the place, from 1, of the weightiest evidence item since then that points the same way; 0 where
    there is none. Of items of one weight it is the first.
    """
    shown, items = evidence.shown[at], rows.evidence_items[at]
    weight = items["weight"] * direction[:, None]
    weight = np.where(shown & (items["time_s"] >= since_s[:, None]), np.maximum(weight, 0), 0)
    best = weight.argmax(axis=1)
    each = np.arange(len(best))
    numbers_of_items: list[int] = np.where(weight[each, best] > 0, shown.cumsum(axis=1)[each, best], 0).tolist()
    return numbers_of_items
