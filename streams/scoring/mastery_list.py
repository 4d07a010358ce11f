"""What an update says of single knowledge components: those that the student met last."""

from collections.abc import Sequence
from typing import Final, Self

import numpy as np

from streams.evidence.artifacts import Artifact
from streams.mastery.counts import AnswerCounts
from streams.mastery.model import Mastery
from streams.norms.view import NormView
from streams.rows.components import ComponentBatch
from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Floats, RowBatch
from streams.scoring.json_columns import SCORE_DIGITS, grouped, integers, joined_columns, json_string, numbers

MOST: Final = 8
"""Components that an update has; `skillstream replay --mastery` writes them all."""


class MasteryList:
    """The `mastery` of updates, by the item bank of an artifact. The same row says the same under the same norms."""

    def __init__(self, mastery: Mastery) -> None:
        self._mastery = mastery

    @classmethod
    def of(cls, artifact: Artifact, skills: Sequence[str]) -> Self | None:
        """By the bank of the first skill that has one; None without any."""
        banks = [artifact.banks[skill] for skill in skills if skill in artifact.banks]
        return cls(Mastery(banks[0])) if banks else None

    def with_norms(self, norms: NormView | None) -> Self:
        """The same bank under these norms, or without any. Takes microseconds."""
        return type(self)(self._mastery.with_norms(norms))

    def write(self, rows: RowBatch) -> list[bytes]:
        """Of each row the field with a comma before it; nothing where no component was met."""
        return [b',"mastery":[%b]' % texts if texts else b"" for texts in self.components(rows, MOST)]

    def components(self, rows: RowBatch, most: int, digits: int = SCORE_DIGITS) -> list[bytes]:
        """Of each row the `most` components met last as JSON objects with commas between them, the last one first."""
        found = ComponentBatch.of(rows.sections["components"])
        counts = AnswerCounts.of_components(rows, found)
        p = self._mastery.of_components(counts)
        low, high = self._mastery.intervals(counts, p)
        newest = _newest(found.owner, found.records["newest_s"], most)
        owner = found.owner[newest]
        entries = joined_columns(
            b'{"component":', [json_string(name.decode()) for name in found.names(newest)],
            b',"p":', numbers(p[newest], digits),
            b',"low":', numbers(low[newest], digits),
            b',"high":', numbers(high[newest], digits),
            b',"n":', integers((counts.wins + counts.fails)[newest].astype(np.int64)),
            b',"trend":', numbers(trend(found.records[newest]), digits),
            b"}",
        )  # fmt: skip
        return grouped(entries, owner, len(rows))


def trend(records: Array) -> Floats:
    """The share of right answers of late (the row's decayed counts) minus that of all; 0 where the late ones faded."""
    of_late = _share(records["recent_wins"], records["recent_wins"] + records["recent_fails"])
    of_all = _share(records["wins"], records["wins"].astype(np.float64) + records["fails"])
    return np.asarray(np.where(np.isnan(of_late) | np.isnan(of_all), 0.0, of_late - of_all))


def _share(part: Array, whole: Array) -> Floats:
    return np.asarray(np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0))


def _newest(owner: Indices, newest_s: Array, most: int) -> Indices:
    """The `most` newest of each row, the newest first; of one second, in the order of their codes."""
    order = np.lexsort((np.arange(len(owner)), -newest_s.astype(np.int64), owner))
    counts = np.bincount(owner)
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.asarray(order[rank < most])
