"""Rows of the present versions, taken apart: what is numbers as records, the rest as bytes that are cut when needed."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from streams.rows.layout import (
    COMPONENTS_VERSION,
    ERASED_VERSION,
    EVIDENCE_ITEM,
    FACT,
    HEADER,
    MAX_FACTS,
    ROW_VERSION,
    SECTIONS,
    SKILL_STATE,
    WORD,
    Array,
    Indices,
    sizes_of,
)
from streams.rows.stored_sections import StoredSections

_SIZES: Final = np.array([FACT.itemsize, SKILL_STATE.itemsize, EVIDENCE_ITEM.itemsize, *SECTIONS.values()])[:, None]
_IN_BYTES: Final = slice(1, len(_SIZES) - 2)
"""Of these parts a header tells the numbers in one byte each, one behind the other."""


class Split:
    """Their `headers`, and the `facts`, `skill_states` and `evidence_items` of all, in row order, as the headers count
    them; `owner` is, for each skill state, the row that it belongs to.

    Raises ValueError for a row of another version, and where its length isn't what it says it is.
    """

    def __init__(self, rows: Sequence[bytes]) -> None:
        lengths = sizes_of(rows)
        if (lengths < HEADER.itemsize).any() or (lengths % WORD).any():
            raise ValueError("a row has no whole header")
        stored = b"".join(rows)  # read once from all over the memory, and in their order from here on
        ends = lengths.cumsum()
        self.headers = self._headers(stored, ends - lengths)
        leading_words = self._leading_words()
        bounds = self._bounds(ends - lengths, ends, leading_words)
        self.facts, self.skill_states, self.evidence_items = (
            _records(kind, stored, begin, end)
            for kind, begin, end in zip((FACT, SKILL_STATE, EVIDENCE_ITEM), bounds, bounds[1:], strict=False)
        )
        self.owner = np.arange(len(rows)).repeat(self.headers["skill_states"])
        found = np.bincount(self.owner, self.skill_states["evidence_items"], len(rows))
        if (found != self.headers["evidence_items"]).any():
            raise ValueError("the skill states of a row have not the evidence items that its header says")
        self.sections = StoredSections(stored, bounds[3:], leading_words)

    def fact_indices(self, columns: int) -> Indices:
        """Where each fact belongs in an array of shape (rows, columns), were it flat. Raises ValueError for one beyond
        its columns.
        """
        bits = self.headers["facts"].copy().view(np.uint8).reshape(-1, MAX_FACTS // 8)
        indices = np.unpackbits(bits, axis=1, count=columns, bitorder="little").ravel().view(np.bool_).nonzero()[0]
        if len(indices) != len(self.facts):
            raise ValueError("a row has facts that this program doesn't know")
        return indices

    @staticmethod
    def _headers(stored: bytes, starts: Indices) -> Array:
        if not len(starts):
            return np.zeros(0, HEADER)
        words = len(stored) // WORD - HEADER.itemsize // WORD + 1
        at_each_word: Array = np.ndarray(words, f"V{HEADER.itemsize}", stored, strides=(WORD,))
        headers: Array = at_each_word[starts // WORD].view(HEADER)
        if (headers["version"] - np.uint8(ROW_VERSION) > ERASED_VERSION - ROW_VERSION).any():
            raise ValueError("a row is of another version")
        return headers

    def _leading_words(self) -> Indices:
        """Of each row, with how many words its extensions begin: a version more has one more."""
        return np.maximum(self.headers["version"].astype(np.intp) - COMPONENTS_VERSION, 0)

    def _bounds(self, starts: Indices, ends: Indices, leading_words: Indices) -> Indices:
        """Where the facts of each row begin, its skill states, and so on, and its extensions; and where it ends."""
        counts = np.empty((len(_SIZES), len(starts)), np.intp)
        counts[0] = np.bitwise_count(self.headers["facts"])
        counts[_IN_BYTES] = self.headers.view(np.uint8).reshape(-1, HEADER.itemsize)[:, _IN_BYTES].T
        counts[-2], counts[-1] = self.headers["segments"], self.headers["acts"]
        bounds = np.empty((len(counts) + 2, len(starts)), np.intp)
        bounds[0], bounds[-1] = starts + HEADER.itemsize, ends
        np.cumsum(counts * _SIZES, axis=0, out=bounds[1:-1])
        bounds[1:-1] += bounds[0]
        left = ends - bounds[-2]
        if (left < leading_words * WORD).any() or ((left > 0) != (self.headers["version"] != ROW_VERSION)).any():
            raise ValueError("a row is cut off, or has more than its header says")
        return bounds


def _records(kind: "np.dtype[Any]", stored: bytes, begin: Indices, end: Indices) -> Array:
    return np.frombuffer(b"".join([stored[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]), kind)
