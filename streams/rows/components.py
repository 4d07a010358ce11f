"""The knowledge components of rows: how often each was answered right (`wins`) or not (`fails`), for life and decayed.

    count, bytes of all names (4 each) | records | the names' lengths (2 each) | names in UTF-8 | 0 … to whole words

Records and names are in the order of their codes, so that equal rows have equal bytes. `recent_wins` and `recent_fails`
are kept at the row's reference time, as facts are (`streams.rows.row`): `RowBatch.decay` carries them to its newest
event. A component's `code` is the CRC-32 of its name. Two names of one code, a chance of one in 4 billion, are to a
student one component, under the name that came first. A row without components has no such part.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Final, NamedTuple, Self
from zlib import crc32

import numpy as np

from streams.rows.layout import COMPONENT, NAME_LENGTH, WORD, Array, Indices, sizes_of

_FIRST_WORD: Final = struct.Struct("<II")
_SIZE: Final = COMPONENT.itemsize
LEAST_BYTES: Final = _SIZE + NAME_LENGTH.itemsize + 1
"""Of one component in a part: its record, and a name of one character."""
_NO_ANSWERS: Final = struct.Struct(f"<I{_SIZE - 4}x")


def component_code(name: bytes) -> int:
    """What a component is called in a row."""
    return crc32(name)


class ComponentTotals(NamedTuple):
    """What a row has of one component."""

    name: str
    wins: int
    fails: int
    recent_wins: float
    recent_fails: float
    newest_s: int


class ComponentSection(NamedTuple):
    """The three lists of a row's part, each as the bytes that it is."""

    records: bytes
    lengths: bytes
    text: bytes

    @classmethod
    def of(cls, section: bytes) -> Self:
        """Take a part apart."""
        if not section:
            return cls(b"", b"", b"")
        count, name_bytes = _FIRST_WORD.unpack_from(section)
        lengths = WORD + count * _SIZE
        text = lengths + count * NAME_LENGTH.itemsize
        return cls(section[WORD:lengths], section[lengths:text], section[text : text + name_bytes])

    def encode(self) -> bytes:
        """The part as it is stored."""
        if not self.records:
            return b""
        first = _FIRST_WORD.pack(len(self.records) // _SIZE, len(self.text))
        return b"".join((first, *self, bytes(-(len(self.lengths) + len(self.text)) % WORD)))

    def names(self) -> list[bytes]:
        """The names in UTF-8, in their order."""
        ends = list(accumulate(np.frombuffer(self.lengths, NAME_LENGTH).tolist()))
        return [self.text[start:end] for start, end in zip([0, *ends], ends, strict=False)]


@dataclass(frozen=True, slots=True)
class ComponentBatch:
    """The components of many rows, in row order: `owner[i]` is the index of the row that `records[i]` belongs to.

    `counts` are by row; `records` may be changed, the rows don't change with them.
    """

    owner: Indices
    records: Array
    counts: Array
    sections: Sequence[bytes]

    @classmethod
    def of(cls, sections: Sequence[bytes]) -> Self:
        """Of these parts of rows, one a row (`RowBatch.sections["components"]`)."""
        counts = [count_of(section) for section in sections]
        stored = [section[WORD : WORD + count * _SIZE] for section, count in zip(sections, counts, strict=True)]
        records = np.frombuffer(bytearray().join(stored), COMPONENT)
        return cls(np.repeat(np.arange(len(counts)), counts), records, np.array(counts, np.intp), sections)

    def names(self, at: Indices | None = None) -> list[bytes]:
        """The names of the records at these indices (None: of all), in UTF-8."""
        split = [ComponentSection.of(section) for section in self.sections if section]
        lengths = np.frombuffer(b"".join([each.lengths for each in split]), NAME_LENGTH)
        text = b"".join([each.text for each in split])
        ends = np.cumsum(lengths, dtype=np.intp)
        starts = ends - lengths
        if at is not None:
            starts, ends = starts[at], ends[at]
        return [text[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]


def components_of(section: bytes) -> list[ComponentTotals]:
    """The components in their part of a row."""
    split = ComponentSection.of(section)
    columns = np.frombuffer(split.records, COMPONENT)[list(ComponentTotals._fields[1:])].tolist()
    return [ComponentTotals(name.decode(), *values) for name, values in zip(split.names(), columns, strict=True)]


def count_of(section: bytes) -> int:
    """How many components a part has."""
    return int.from_bytes(section[:4], "little")


def with_records(section: bytes, records: bytes) -> bytes:
    """A part whose records are these, of the same components."""
    return b"".join((section[:WORD], records, section[WORD + len(records) :]))


def with_new(section: bytes, names: Iterable[bytes]) -> bytes:
    """A part that has these components, too, without answers; of names with one code the first counts."""
    split = ComponentSection.of(section)
    records = {name: split.records[at * _SIZE : (at + 1) * _SIZE] for at, name in enumerate(split.names())}
    codes = set(map(component_code, records))
    for name in names:
        if (code := component_code(name)) not in codes:
            codes.add(code)
            records[name] = _NO_ANSWERS.pack(code)
    return section_of(records)


def section_of(records: Mapping[bytes, bytes]) -> bytes:
    """The part of these records, each as its bytes, by the names of their components."""
    names = sorted(records, key=component_code)
    lengths = np.fromiter(map(len, names), NAME_LENGTH, len(names)).tobytes()
    return ComponentSection(b"".join([records[name] for name in names]), lengths, b"".join(names)).encode()


def rebased(section: bytes, factor: float) -> bytes:
    """A part whose decayed sums are carried to another reference time."""
    if not section:
        return section
    records = np.frombuffer(ComponentSection.of(section).records, COMPONENT).copy()
    records["recent_wins"] *= factor
    records["recent_fails"] *= factor
    return with_records(section, records.tobytes())


def have_their_lengths(sections: Sequence[bytes]) -> bool:
    """Whether records, lengths and names fill each of these parts, of rows that have one. Names are not looked at."""
    if not sections:
        return True
    first = np.frombuffer(b"".join([section[:WORD] for section in sections]), "<u4").reshape(-1, 2).astype(np.intp)
    counts, name_bytes = first.T
    words_of_names = -(-(counts * NAME_LENGTH.itemsize + name_bytes) // WORD)
    words = 1 + counts * (_SIZE // WORD) + words_of_names
    return bool(np.all(counts > 0) and np.all(words * WORD == sizes_of(sections)))


def name_faults(section: bytes) -> str:
    """What is wrong with the names of a part whose lengths fit; nothing: an empty text."""
    if not section:
        return ""
    split = ComponentSection.of(section)
    names, codes = split.names(), np.frombuffer(split.records, COMPONENT)["code"].tolist()
    if list(map(component_code, names)) != codes:
        return "a component with another's name"
    if sorted(set(codes)) != codes:
        return "components in another order, or two of one name"
    try:
        [name.decode() for name in names]
    except UnicodeDecodeError:
        return "a component's name is no UTF-8"
    return "" if split.encode() == section else "something behind the components' names"
