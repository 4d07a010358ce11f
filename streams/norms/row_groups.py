"""Cuts a step's rows into groups, each with the first answers that its rows came from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Final, Self

import numpy as np

from streams.norms.cohorts import SHOWN_BYTES
from streams.norms.first_answers import AnswersOfRows, NamedItem
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_records import NAMED_BYTES
from streams.norms.layout import FIRST_ANSWER
from streams.rows.layout import Array, Indices

MOST_NAMED: Final = 2_048
"""In one entry; others are named when they are answered next."""
_NONE: Final = (0, 0)


def bytes_of(rows: Mapping[bytes, bytes | None], answers: AnswersOfRows, unnamed: Sequence[NamedItem]) -> int:
    """How much a step appends: rows, their keys, answers and names."""
    stored = sum(map(len, rows)) + sum([len(row) for row in rows.values() if row])
    return stored + len(answers.answers) * FIRST_ANSWER.itemsize + sum(map(_name_bytes, unnamed))


@dataclass(frozen=True, slots=True)
class AnsweredRows:
    """Rows in their order: `bytes_to[i]` are those of the rows before i, their keys, answers and names, `answers_to[i]`
    how many answers they have. `named_in` has the row of each of `named`, and does not fall.
    """

    answers: Array
    answers_to: Indices
    bytes_to: Indices
    named: Sequence[NamedItem]
    named_in: Indices

    @classmethod
    def of(cls, rows: Mapping[bytes, bytes | None], answers: AnswersOfRows, unnamed: Sequence[NamedItem]) -> Self:
        """Of a step's rows, their answers, and the items and courses that are to be named."""
        slices = np.fromiter(chain.from_iterable(map(answers.of.get, rows, repeat(_NONE))), np.intp, 2 * len(rows))
        begins, counts = slices[::2], slices[1::2] - slices[::2]
        answers_to = _sums_before(counts)
        order = np.arange(answers_to[-1]) + np.repeat(begins - answers_to[:-1], counts)
        own = answers.answers[order]
        named, at = _first_answered(own, unnamed)
        named_in = np.searchsorted(answers_to, at, side="right") - 1
        sizes = counts * FIRST_ANSWER.itemsize
        sizes += np.fromiter(map(len, rows), np.intp, len(rows))
        sizes += np.array([len(row) if row else 0 for row in rows.values()], np.intp)
        np.add.at(sizes, named_in, list(map(_name_bytes, named)))
        return cls(own, answers_to, _sums_before(sizes), named, named_in)

    def __len__(self) -> int:
        return len(self.bytes_to) - 1

    def end(self, start: int, most_bytes: int) -> int:
        """Where a group that starts here ends: before it is larger, with one row at least."""
        fits = int(np.searchsorted(self.bytes_to, self.bytes_to[start] + most_bytes, side="right")) - 1
        return min(max(fits, start + 1), len(self))

    def entry(self, start: int, end: int, time_s: int) -> JournalEntry:
        """What the rows from `start` on before `end` answered."""
        first, last = np.searchsorted(self.named_in, (start, end)).tolist()
        named = self.named[first : min(last, first + MOST_NAMED)]
        return JournalEntry(time_s, self.answers[self.answers_to[start] : self.answers_to[end]], named)


def _first_answered(answers: Array, items: Sequence[NamedItem]) -> tuple[list[NamedItem], Indices]:
    """Those of `items` that answers are to, in the order of their first ones, and where these are."""
    if not items or not len(answers):
        return [], np.empty(0, np.intp)
    codes, first = np.unique(answers["item"], return_index=True)
    wanted = np.array([each.item for each in items], np.uint64)
    at = np.minimum(np.searchsorted(codes, wanted), len(codes) - 1)
    there = np.flatnonzero(codes[at] == wanted)
    in_order = there[np.argsort(first[at[there]], kind="stable")]
    return [items[index] for index in in_order.tolist()], first[at[in_order]]


def _sums_before(values: Indices) -> Indices:
    """The sum of all values before each, and of all at the end."""
    sums: Indices = np.concatenate(([0], np.cumsum(values)))
    return sums


def _name_bytes(named: NamedItem) -> int:
    return NAMED_BYTES + min(len(named.name.encode()), SHOWN_BYTES)
