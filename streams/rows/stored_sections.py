"""The sections of many rows, which stay bytes: cut out when they are asked for, and else copied through.

Most events touch few of them, and most rows have but some: what nobody asks for costs nothing a row.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.rows.components import have_their_lengths
from streams.rows.layout import (
    EXTENSIONS,
    SECTIONS,
    WORD,
    Array,
    Indices,
    beginnings_of,
    sizes_of,
)
from streams.rows.unreadable import unreadable

_NUMBERS: Final = {name: number for number, name in enumerate(SECTIONS)}


class StoredSections(dict[str, list[bytes]]):
    """By name, a list of one section a row, b"" of a row that has none. The lists may be changed: `encode` sees that.

    Raises Fatal where sections are asked for that are not what their row says. What is copied through is not looked at.
    """

    def __init__(self, stored: bytes, bounds: Indices, is_extended: NDArray[np.bool_]) -> None:
        """`bounds[i]` is where in `stored` the i-th of SECTIONS of each row begins, the last but one where what it ends
        with does, the last its end. `is_extended` says of which rows that begins with a word of lengths.
        """
        super().__init__()
        self._stored = stored
        self._bounds = bounds
        self._is_extended = is_extended
        self._cut: dict[str, list[bytes]] = {}

    @classmethod
    def none(cls, rows: int) -> "StoredSections":
        """Those of so many rows that have none."""
        return cls(b"", np.zeros((len(SECTIONS) + 2, rows), np.intp), np.zeros(rows, np.bool_))

    def __missing__(self, name: str) -> list[bytes]:
        """Cut the section out of all rows; of extensions all, as one says where the next is."""
        if name in EXTENSIONS:
            cut = self._extensions()
        else:
            number = _NUMBERS[name]
            cut = {name: self._between(number, number + 1) or [b""] * len(self._is_extended)}
        self._cut.update(cut)
        self.update({each: sections.copy() for each, sections in cut.items()})
        return self[name]

    def take(self, row_indices: Sequence[int]) -> "StoredSections":
        """Those of these rows, in this order."""
        at = np.asarray(row_indices, np.intp)
        taken = StoredSections(self._stored, self._bounds[:, at], self._is_extended[at])
        for to, sections in ((taken, self), (taken._cut, self._cut)):
            to.update({name: [of[row_index] for row_index in row_indices] for name, of in sections.items()})
        return taken

    def encode(self, headers: Array) -> list[list[bytes]]:
        """What the rows end with, in lists of one piece a row; noted in their `headers`, which say the rest of them."""
        changed = {name for name, sections in self.items() if sections != self._cut[name]}
        columns: list[list[bytes]] = []
        begin, end = 0, len(SECTIONS)
        for number, (name, size) in enumerate(SECTIONS.items()):
            if name in self:
                columns += [self._between(begin, number), self[name]]
                begin = number + 1
            if name in changed:
                headers[name] = sizes_of(self[name]) // size
        if changed.isdisjoint(EXTENSIONS):
            columns.append(self._between(begin, end + 1))
        else:
            headers["version"], lengths = beginnings_of(*(self[name] for name in EXTENSIONS))
            columns += [self._between(begin, end), lengths, *(self[name] for name in EXTENSIONS)]
        return [column for column in columns if any(column)]

    def _between(self, first: int, last: int) -> list[bytes]:
        """What each row has from one bound to another; nothing where no row has anything there."""
        begin, end = self._bounds[first], self._bounds[last]
        if not (begin < end).any():
            return []
        stored = self._stored
        return [stored[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]

    def _extensions(self) -> dict[str, list[bytes]]:
        stored, bounds = self._stored, self._bounds[-2:].tolist()
        cut: dict[str, list[bytes]] = {name: [] for name in EXTENSIONS}
        explanations, tasks, components = cut.values()
        words = memoryview(stored).cast("Q")
        for begin, end, is_extended in zip(*bounds, self._is_extended.tolist(), strict=True):
            at = of_tasks = of_components = begin
            if is_extended:
                word, at = words[begin // WORD], begin + WORD
                if word == (end - at) << 32 > 0:  # tasks alone, as of most rows
                    explanations.append(b"")
                    tasks.append(stored[at:end])
                    components.append(b"")
                    continue
                of_tasks = at + (word & 0xFFFFFFFF)
                of_components = of_tasks + (word >> 32)
                if not word or of_tasks % WORD or of_components % WORD or of_components > end:
                    raise unreadable("a row has not the explanations and tasks that it says")
            explanations.append(stored[at:of_tasks])
            tasks.append(stored[of_tasks:of_components])
            components.append(stored[of_components:end])
        if not have_their_lengths([part for part in components if part]):
            raise unreadable("a row has not the components that it says")
        return cut
