"""The layout of rows in bytes, and of many rows in arrays (little-endian, every part in whole words).

    header | facts | skill states | evidence items | ids | controls | failures | origins | voidable | segments | acts
                                                                     | lengths | explanations | tasks | components

    facts           one for each bit that is set in the header's `facts`
    evidence items  of each skill state in turn, which says how many it has
    ids, segments   8 bytes each; controls, failures, origins, acts 16; voidable 32
    lengths         in version 6 only: bytes of the explanations and of the tasks, of 4 bytes each
    explanations    in version 6 only, see `streams.rows.explanations`
    tasks           in version 6 only, see `streams.rows.tasks`; an evidence item has its task's code, or 0
    components      in version 5, and in version 6 the rest, see `streams.rows.components`

A row without explanations and tasks is of version 4, or of version 5 if it has components; any other of version 6.
The header says how many of each other part follow. All numbers are of fixed width, so a batch of rows is decoded and
encoded by moving words, without a loop over what is in them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROW_VERSION: Final = 4
COMPONENTS_VERSION: Final = 5
"""Of a row that has components: the same, and that part behind all others."""
EXTENDED_VERSION: Final = 6
"""Of a row that has explanations or tasks: the same, these behind a word with their lengths, then components if any."""
MAX_FACTS: Final = 64
WORD: Final = 8

HEADER: Final = np.dtype(
    [
        ("version", "u1"),
        ("skill_states", "u1"),
        ("evidence_items", "u1"),
        ("ids", "u1"),
        ("controls", "u1"),
        ("failures", "u1"),
        ("origins", "u1"),
        ("voidable", "u1"),
        ("facts", "<u8"),
        ("epoch", "<u4"),
        ("events", "<u4"),
        ("offset", "<i8"),
        ("reference_us", "<i8"),
        ("first_us", "<i8"),
        ("as_of_us", "<i8"),
        ("erased_us", "<i8"),
        ("reasoned_offset", "<i8"),
        ("reasoned_epoch", "<u4"),
        ("attempts", "<u4"),
        ("value", "<f8"),
        ("since_us", "<i8"),
        ("not_before_us", "<i8"),
        ("noted", "<u4"),  # from here on: not in version 2
        ("segments", "<u2"),
        ("partial", "u1"),
        ("acts", "u1"),  # not in version 3
        ("newest_us", "<i8"),
        ("beyond_us", "<i8"),
        ("far_times", "<u8"),  # not in version 3
    ]
)
FACT: Final = np.dtype(
    [
        ("n", "<u4"),
        ("newest_s", "<u4"),
        ("total", "<f8"),
        ("squares", "<f8"),
        ("recent_n", "<f8"),
        ("recent_total", "<f8"),
    ]
)
SKILL_STATE: Final = np.dtype(
    [
        ("skill", "<u4"),
        ("text_newest_s", "<u4"),
        ("rubric_newest_s", "<u4"),
        ("evidence_items", "<u4"),
        ("text_n", "<f8"),
        ("text_total", "<f8"),
        ("rubric_n", "<f8"),
        ("rubric_total", "<f8"),
        ("score", "<f8"),
        ("confidence", "<f8"),
        ("explained", "<f8"),
    ]
)
EVIDENCE_ITEM: Final = np.dtype(
    [("code", "<u4"), ("time_s", "<u4"), ("value", "<f8"), ("weight", "<i4"), ("task", "<u4")]
)
ID: Final = np.dtype("<u8")
CONTROL: Final = np.dtype([("control", "<u4"), ("alone", "<u4"), ("isolated", "<u4"), ("unused", "<u4")])
FAILURE: Final = np.dtype([("item", "<u4"), ("unused", "<u4"), ("time_us", "<i8")])
VOIDABLE: Final = np.dtype([("id", "<u8"), ("time_us", "<i8"), ("value", "<f8"), ("code", "<u4"), ("what", "<u4")])
ORIGIN: Final = np.dtype([("partition", "<u4"), ("index", "<u4"), ("offset", "<i8")])
SEGMENT: Final = np.dtype("<i8")
HELD_ACT: Final = np.dtype([("event", "<u8"), ("act", "<u8")])
COMPONENT: Final = np.dtype(
    [
        ("code", "<u4"),
        ("newest_s", "<u4"),
        ("wins", "<u4"),
        ("fails", "<u4"),
        ("recent_wins", "<f8"),
        ("recent_fails", "<f8"),
    ]
)
NAME_LENGTH: Final = np.dtype("<u2")
TASK_NAME: Final = np.dtype([("code", "<u4"), ("size", "<u4")])

Array = NDArray[Any]
Indices = NDArray[np.intp]
NEW_HEADER: Final = np.zeros((), HEADER)
NEW_HEADER["version"], NEW_HEADER["offset"], NEW_HEADER["reasoned_offset"] = ROW_VERSION, -1, -1


@dataclass(frozen=True, slots=True)
class Many:
    """The records of one kind of all rows, in row order: `owner[i]` is the row that `records[i]` belongs to."""

    owner: Indices
    records: Array


class Split:
    """Rows of the present versions, taken apart. Raises ValueError where a row's length isn't what it says it is."""

    def __init__(self, rows: Sequence[bytes]) -> None:
        self._words = np.frombuffer(b"".join(rows), np.uint64)
        lengths = np.fromiter(map(len, rows), np.intp, len(rows))
        ends = np.cumsum(lengths // WORD)
        starts = ends - lengths // WORD
        if np.any(lengths % WORD) or np.any(lengths < HEADER.itemsize):
            raise ValueError("a row has no whole header")
        self.headers = self._records(starts, HEADER)
        versions = self.headers["version"]
        extended = versions == EXTENDED_VERSION
        has_more = extended | (versions == COMPONENTS_VERSION)
        if not np.all(has_more | (versions == ROW_VERSION)):
            raise ValueError("a row is of another version")
        self.fact_bits = np.unpackbits(
            np.ascontiguousarray(self.headers["facts"]).view(np.uint8).reshape(-1, 8), axis=1, bitorder="little"
        )
        at = starts + HEADER.itemsize // WORD
        self.facts, at = self._many(at, self.fact_bits.sum(axis=1, dtype=np.intp), FACT)
        self.skill_states, at = self._many(at, self.headers["skill_states"], SKILL_STATE)
        found = np.bincount(self.skill_states.owner, self.skill_states.records["evidence_items"], len(rows))
        if np.any(found != self.headers["evidence_items"]):
            raise ValueError("the skill states of a row have not the evidence items that its header says")
        self.evidence_items, at = self._many(at, self.headers["evidence_items"], EVIDENCE_ITEM)
        sizes = [self.headers[name].astype(np.intp) * size for name, size in SECTIONS.items()]
        left = ends * WORD - at * WORD - sum(sizes)
        if np.any((left > 0) != has_more) or np.any(left < 0):
            raise ValueError("a row is cut off, or has more than its header says")
        lengths, (explanations, tasks) = extended * WORD, np.zeros((2, len(rows)), np.intp)
        if extended.any():
            explanations[extended], tasks[extended] = self._lengths(ends[extended], left[extended])
        components = left - lengths - explanations - tasks
        for part, behind, check in (
            (tasks, components, self._check_tasks),
            (components, np.zeros_like(components), self._check_components),
        ):
            has_part = part > 0
            if has_part.any():
                check((ends - behind // WORD)[has_part], part[has_part] // WORD)
        slices = self._slices(rows, starts * WORD, at * WORD, [*sizes, lengths, explanations, tasks, components])
        self.sections = dict(zip((*SECTIONS, "lengths", *EXTENSIONS), slices, strict=True))

    def _lengths(self, ends: Indices, left: Indices) -> tuple[Indices, Indices]:
        """As the word says that is behind all parts of the header, `left` bytes before the rows' ends."""
        said: Array = self._words[ends - left // WORD].view("<u4").reshape(-1, 2).astype(np.intp)
        if np.any(said % WORD) or np.any(said.sum(axis=1) == 0) or np.any(said.sum(axis=1) > left - WORD):
            raise ValueError("a row has not the explanations and tasks that it says")
        return said[:, 0], said[:, 1]

    def _check_tasks(self, ends: Indices, widths: Indices) -> None:
        """See `streams.rows.tasks`: records and names fill the part. Names are read when asked for."""
        counts = self._words[ends - widths]
        if np.any(counts == 0) or np.any(counts >= widths.astype(np.uint64)):
            raise ValueError("a row has not the tasks that it says")
        tasks, names = self._many(ends - widths + 1, counts, TASK_NAME)
        of_name = -(-tasks.records["size"].astype(np.intp) // WORD)
        if np.any(names + np.bincount(tasks.owner, of_name, len(ends)).astype(np.intp) != ends):
            raise ValueError("a row has not the names of tasks that it says")

    def _check_components(self, ends: Indices, widths: Indices) -> None:
        """See `streams.rows.components`: records, lengths and names fill the part. Names are read when asked for."""
        first = self._words[ends - widths]
        counts, name_bytes = (first & np.uint64(0xFFFFFFFF)).astype(np.intp), (first >> np.uint64(32)).astype(np.intp)
        words_of_names = -(-(counts * NAME_LENGTH.itemsize + name_bytes) // WORD)
        if np.any(counts == 0) or np.any(1 + counts * (COMPONENT.itemsize // WORD) + words_of_names != widths):
            raise ValueError("a row has not the components that it says")

    def _records(self, starts: Indices, kind: np.dtype[Any]) -> Array:
        width = kind.itemsize // WORD
        if len(starts) and int(starts.max()) + width > len(self._words):
            raise ValueError("a row is cut off")
        records: Array = self._words[starts[:, None] + np.arange(width)].view(kind).reshape(-1)
        return records

    def _many(self, starts: Indices, counts: Array, kind: np.dtype[Any]) -> tuple[Many, Indices]:
        width, counts = kind.itemsize // WORD, counts.astype(np.intp)
        owner, within = ragged(counts)
        return Many(owner, self._records(starts[owner] + within * width, kind)), starts + counts * width

    @staticmethod
    def _slices(rows: Sequence[bytes], starts: Indices, at: Indices, sizes: Sequence[Array]) -> list[list[bytes]]:
        begin = at - starts
        slices = []
        for size in sizes:
            if size.any():
                ends = (begin + size).tolist()
                slices.append([row[a:b] for row, a, b in zip(rows, begin.tolist(), ends, strict=True)])
            else:
                slices.append([b""] * len(rows))
            begin = begin + size
        return slices


SECTIONS: Final = {
    "ids": ID.itemsize,
    "controls": CONTROL.itemsize,
    "failures": FAILURE.itemsize,
    "origins": ORIGIN.itemsize,
    "voidable": VOIDABLE.itemsize,
    "segments": SEGMENT.itemsize,
    "acts": HELD_ACT.itemsize,
}
"""The parts that stay bytes until an event needs them, and their sizes."""
EXTENSIONS: Final = ("explanations", "tasks", "components")
"""Parts that most rows have not, and of which the header says nothing; bytes, too."""


def extensions_of(
    explanations: Sequence[bytes], tasks: Sequence[bytes], components: Sequence[bytes]
) -> tuple[Array, list[bytes]]:
    """The versions of rows with these parts, and the words before them; nothing for rows that have none."""
    sizes = np.array([np.fromiter(map(len, part), np.uint32, len(part)) for part in (explanations, tasks)])
    extended = np.asarray(sizes.any(axis=0))
    has_components = np.fromiter(map(len, components), np.intp, len(components)) > 0
    versions = np.where(extended, EXTENDED_VERSION, np.where(has_components, COMPONENTS_VERSION, ROW_VERSION))
    words = np.ascontiguousarray(sizes.T).view(np.uint64).reshape(-1)
    return versions, list(chunks(words[extended], extended))


def ragged(counts: Array) -> tuple[Indices, Indices]:
    """For lists of these lengths, one behind the other: which list each element is of, and its place in that list."""
    owner = np.repeat(np.arange(len(counts)), counts)
    return owner, np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)


def chunks(records: Array, counts: Array) -> Iterable[bytes]:
    """The bytes of the first counts[0] records, of the next counts[1], and so on."""
    size = records.dtype.itemsize
    whole = records.tobytes()
    ends = (np.cumsum(counts) * size).tolist()
    return (whole[a:b] for a, b in zip([0, *ends], ends, strict=False))
