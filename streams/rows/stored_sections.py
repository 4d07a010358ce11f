"""The sections of many rows, which stay bytes: cut out when they are asked for, and else copied through.

Most events touch few of them, and most rows have but some: what nobody asks for costs nothing a row.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from streams.rows.beginnings import NO_KEY, beginnings_of
from streams.rows.components import have_their_lengths
from streams.rows.layout import (
    EXTENSIONS,
    NORMS,
    SECTIONS,
    WORD,
    Array,
    Indices,
    sizes_of,
)
from streams.rows.unreadable import unreadable

_NUMBERS: Final = {name: number for number, name in enumerate(SECTIONS)}
_EXTENDING: Final = (*EXTENSIONS, NORMS)
_LENGTH_WORDS: Final = 2
_NORMED_WORDS: Final = _LENGTH_WORDS + 1
"""Of the words that extensions begin with, those with lengths; the third are the norms, then the erasure's length."""


class StoredSections(dict[str, list[bytes]]):
    """By name, a list of one section a row, b"" of a row that has none. The lists may be changed: `encode` sees that.

    Raises Fatal where sections are asked for that are not what their row says. What is copied through is not looked at.
    """

    def __init__(self, stored: bytes, bounds: Indices, leading_words: Indices) -> None:
        """`bounds[i]` is where in `stored` the i-th of SECTIONS of each row begins, the last but one where what it ends
        with does, the last its end. `leading_words` says with how many words that begins: at most four.
        """
        super().__init__()
        self._stored = stored
        self._bounds = bounds
        self._leading_words = leading_words
        self._cut: dict[str, list[bytes]] = {}

    @classmethod
    def none(cls, rows: int) -> "StoredSections":
        """Those of so many rows that have none."""
        return cls(b"", np.zeros((len(SECTIONS) + 2, rows), np.intp), np.zeros(rows, np.intp))

    def __missing__(self, name: str) -> list[bytes]:
        """Cut the section out of all rows; of extensions all, as one says where the next is."""
        if name in EXTENSIONS:
            cut = self._extensions()
        elif name == NORMS:
            cut = {name: self._norms()}
        else:
            number = _NUMBERS[name]
            cut = {name: self._between(number, number + 1) or [b""] * len(self._leading_words)}
        self._cut.update(cut)
        self.update({each: sections.copy() for each, sections in cut.items()})
        return self[name]

    def take(self, row_indices: Sequence[int]) -> "StoredSections":
        """Those of these rows, in this order."""
        at = np.asarray(row_indices, np.intp)
        taken = StoredSections(self._stored, self._bounds[:, at], self._leading_words[at])
        for to, sections in ((taken, self), (taken._cut, self._cut)):
            to.update({name: [of[row_index] for row_index in row_indices] for name, of in sections.items()})
        return taken

    def with_section(self, name: str, sections: list[bytes]) -> "StoredSections":
        """The same, with others of that name; these stay as they are, and neither may be changed any more."""
        other = StoredSections(self._stored, self._bounds, self._leading_words)
        other.update(self)
        other._cut = self._cut
        other[name] = sections
        return other

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
        if changed.isdisjoint(_EXTENDING):
            columns.append(self._between(begin, end + 1))
        else:
            headers["version"], words = beginnings_of(*(self[name] for name in _EXTENDING))
            columns += [self._between(begin, end), words, *(self[name] for name in EXTENSIONS)]
        return [column for column in columns if any(column)]

    def _between(self, first: int, last: int) -> list[bytes]:
        """What each row has from one bound to another; nothing where no row has anything there."""
        begin, end = self._bounds[first], self._bounds[last]
        if not (begin < end).any():
            return []
        stored = self._stored
        return [stored[a:b] for a, b in zip(begin.tolist(), end.tolist(), strict=True)]

    def _norms(self) -> list[bytes]:
        normed = self._leading_words > _LENGTH_WORDS
        if not normed.any():
            return [b""] * len(normed)
        begin = self._bounds[-2] + _LENGTH_WORDS * WORD
        keys = [self._stored[a : a + WORD] for a in begin.tolist()]
        return [key if has and key != NO_KEY else b"" for key, has in zip(keys, normed.tolist(), strict=True)]

    def _extensions(self) -> dict[str, list[bytes]]:
        stored, bounds = self._stored, self._bounds[-2:].tolist()
        cut: dict[str, list[bytes]] = {name: [] for name in EXTENSIONS}
        explanations, tasks, enrolment, weeks, erasure, components = cut.values()
        words = memoryview(stored).cast("Q")
        for begin, end, leading_words in zip(*bounds, self._leading_words.tolist(), strict=True):
            first = second = third = 0
            at = begin + leading_words * WORD
            if leading_words:
                first = words[begin // WORD]
                if leading_words > 1:
                    second = words[begin // WORD + 1]
                    if leading_words > _NORMED_WORDS:
                        third = words[begin // WORD + _NORMED_WORDS]
                elif first == (end - at) << 32 > 0:  # tasks alone, as of most rows without weeks
                    explanations.append(b"")
                    tasks.append(stored[at:end])
                    for none in (enrolment, weeks, erasure, components):
                        none.append(b"")
                    continue
            of_tasks = at + (first & 0xFFFFFFFF)
            of_enrolment = of_tasks + (first >> 32)
            of_weeks = of_enrolment + (second & 0xFFFFFFFF)
            of_erasure = of_weeks + (second >> 32)
            of_components = of_erasure + third
            if leading_words and (
                not (first if leading_words == 1 else second or leading_words > _LENGTH_WORDS)
                or (of_tasks | of_enrolment | of_weeks | of_erasure | of_components) % WORD
                or of_components > end
            ):
                raise unreadable("a row has not the explanations, tasks, enrolment, weeks and erasure that it says")
            explanations.append(stored[at:of_tasks])
            tasks.append(stored[of_tasks:of_enrolment])
            enrolment.append(stored[of_enrolment:of_weeks])
            weeks.append(stored[of_weeks:of_erasure])
            erasure.append(stored[of_erasure:of_components])
            components.append(stored[of_components:end])
        if not have_their_lengths([part for part in components if part]):
            raise unreadable("a row has not the components that it says")
        return cut
