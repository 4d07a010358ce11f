"""The tasks that a row's evidence items are of: what they are called, as their events had it.

    count (8 bytes) | code, bytes of the name (4 each) | … | names in UTF-8, each with 0 … to whole words

They are in the order of their codes, so that equal rows have equal bytes; a row has those that an evidence item refers
to, and no others. A task's code is the CRC-32 of its whole name; of a name of more than MAX_TASK_BYTES a part is kept.
Two tasks of one code, a chance of one in 4 billion, are to a student one task. A row without has no such part.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self
from zlib import crc32

import numpy as np

from streams.rows.layout import TASK_NAME, WORD, Array, Indices, ragged, sizes_of
from streams.rows.unreadable import unreadable

MAX_TASK_BYTES: Final = 64
NO_TASK: Final = 0


def task_code(name: str) -> int:
    """What a task is called in a row; never NO_TASK."""
    return crc32(name.encode()) or 1


def task_name(name: str) -> bytes:
    """What is kept of a name: its first MAX_TASK_BYTES bytes, of an IRI the last, which tell it from others; whole
    characters.
    """
    encoded = name.encode()
    if len(encoded) <= MAX_TASK_BYTES:
        return encoded
    part = encoded[-MAX_TASK_BYTES:] if "://" in name else encoded[:MAX_TASK_BYTES]
    return part.decode(errors="ignore").encode()


@dataclass(frozen=True, slots=True)
class TaskNames:
    """The tasks of many rows, by row and then by code: the name of `code[i]`, of the row with the index `row[i]`, is
    the first `size[i]` bytes from `words[start[i]]` on.
    """

    row: Indices
    code: Array
    size: Array
    start: Indices
    words: Array

    @classmethod
    def of(cls, sections: Sequence[bytes]) -> Self:
        """Of these parts of rows, one a row (`RowBatch.sections["tasks"]`).

        Raises Fatal where records and names do not fill a part.
        """
        words = np.frombuffer(b"".join(sections), np.uint64)
        lengths = sizes_of(sections) // WORD
        present = np.flatnonzero(lengths)
        ends = np.cumsum(lengths)[present]
        starts = ends - lengths[present]
        counts = words[starts].astype(np.intp)
        if np.any(counts <= 0) or np.any(counts >= ends - starts):
            raise unreadable("a row has not the tasks that it says")
        owner, within = ragged(counts)
        records = words[starts[owner] + 1 + within].view(TASK_NAME)
        widths = _words_of(records["size"])
        before = np.cumsum(widths) - widths
        first = (np.cumsum(counts) - counts)[owner]
        start = starts[owner] + 1 + counts[owner] + before - before[first]
        if np.any(np.bincount(owner, widths, len(ends)) != ends - starts - 1 - counts):
            raise unreadable("a row has not the names of tasks that it says")
        return cls(present[owner], records["code"], records["size"].astype(np.intp), start, words)

    @classmethod
    def named(cls, row: Indices, code: Array, names: Sequence[bytes], at: Indices) -> Self:
        """Tasks of rows, in their order, with their codes and their places among the `names`."""
        sizes = sizes_of(names)
        words = np.frombuffer(b"".join(map(_padded, names)), np.uint64)
        starts = np.cumsum(_words_of(sizes)) - _words_of(sizes)
        return cls(row, code.astype(np.uint32), sizes[at], starts[at], words)

    @property
    def keys(self) -> Array:
        """One number for each task of each row."""
        return keys_of(self.row, self.code)

    def __add__(self, other: "TaskNames") -> "TaskNames":
        """The tasks of both, in no order."""
        return TaskNames(
            np.concatenate([self.row, other.row]),
            np.concatenate([self.code, other.code]),
            np.concatenate([self.size, other.size]),
            np.concatenate([self.start, other.start + len(self.words)]),
            np.concatenate([self.words, other.words]),
        )

    def those_of(self, keys: Array) -> "TaskNames":
        """The tasks of these keys, which are ascending, as far as they are there; of two of one key the first."""
        every, first = np.unique(self.keys, return_index=True)
        found = np.searchsorted(every, keys)
        there = np.append(every, -1)[found] == keys
        at = first[found[there]]
        return TaskNames(self.row[at], self.code[at], self.size[at], self.start[at], self.words)

    def names(self) -> list[bytes]:
        """The names, in UTF-8."""
        text, starts = self.words.tobytes(), (self.start * WORD).tolist()
        return [text[start : start + size] for start, size in zip(starts, self.size.tolist(), strict=True)]

    def sections(self, rows: int) -> list[bytes]:
        """The parts of so many rows; those that have no task have none."""
        counts, widths = np.bincount(self.row, minlength=rows), _words_of(self.size)
        lengths = counts + np.bincount(self.row, widths, rows).astype(np.intp) + (counts > 0)
        starts = np.cumsum(lengths) - lengths
        words = np.zeros(int(lengths.sum()), np.uint64)
        present = counts > 0
        words[starts[present]] = counts[present]
        owner, within = self.row, np.arange(len(self.row)) - (np.cumsum(counts) - counts)[self.row]
        records = np.zeros(len(owner), TASK_NAME)
        records["code"], records["size"] = self.code, self.size
        words[starts[owner] + 1 + within] = records.view(np.uint64)
        before = np.cumsum(widths) - widths
        first = before[(np.cumsum(counts) - counts)[owner]] if len(owner) else before
        to = starts[owner] + 1 + counts[owner] + before - first
        of_name, word = ragged(widths)
        words[to[of_name] + word] = self.words[self.start[of_name] + word]
        text = words.tobytes()
        begins = (starts * WORD).tolist()
        return [text[at : at + size] for at, size in zip(begins, (lengths * WORD).tolist(), strict=True)]


def keys_of(row: Array, code: Array) -> Array:
    """One number for each row and code."""
    return np.asarray((row.astype(np.int64) << 32) | code.astype(np.int64))


def tasks_of(section: bytes) -> dict[int, bytes]:
    """The names in their part of a row, by code. Raises Fatal where records and names do not fill it."""
    if not section:
        return {}
    count = int.from_bytes(section[:WORD], "little")
    if not 0 < count < len(section) // WORD:
        raise unreadable("a row has not the tasks that it says")
    codes_and_sizes = struct.unpack_from(f"<{2 * count}I", section, WORD)
    names, start = dict[int, bytes](), WORD * (1 + count)
    for code, size in zip(codes_and_sizes[::2], codes_and_sizes[1::2], strict=True):
        names[code] = section[start : start + size]
        start += size + -size % WORD
    if start != len(section):
        raise unreadable("a row has not the names of tasks that it says")
    return names


def tasks_section(names: Mapping[int, bytes]) -> bytes:
    """The reverse of `tasks_of`."""
    if not names:
        return b""
    codes = sorted(names)
    ordered = [names[code] for code in codes]
    codes_and_sizes = chain.from_iterable(zip(codes, map(len, ordered), strict=True))
    return b"".join((struct.pack(f"<Q{2 * len(codes)}I", len(codes), *codes_and_sizes), *map(_padded, ordered)))


def task_faults(section: bytes) -> str:
    """What is wrong with a part whose length fits; nothing: an empty text."""
    if not section:
        return ""
    count = int.from_bytes(section[:WORD], "little")
    if count == 0 or count > len(section) // WORD - 1:
        return "tasks that are cut off"
    records = np.frombuffer(section[WORD : WORD * (1 + count)], TASK_NAME)
    if np.any(records["size"] > MAX_TASK_BYTES) or len(section) // WORD != 1 + count + _words_of(records["size"]).sum():
        return "names of tasks of other lengths"
    names = tasks_of(section)
    try:
        [name.decode() for name in names.values()]
    except UnicodeDecodeError:
        return "a task's name is no UTF-8"
    return "" if tasks_section(names) == section else "tasks in another order, or something behind their names"


def _words_of(size: Array) -> Indices:
    return np.asarray(-(-size.astype(np.intp) // WORD), np.intp)


def _padded(name: bytes) -> bytes:
    return name + bytes(-len(name) % WORD)
