"""The layout of rows in bytes, and of many rows in arrays (little-endian, every part in whole words).

    header | facts | skill states | evidence items | ids | controls | failures | origins | voidable | segments | acts
                            | lengths | norms | length | explanations | tasks | enrolment | weeks | erasure | components

    facts           one for each bit that is set in the header's `facts`
    evidence items  of each skill state in turn, which says how many it has
    ids, segments   8 bytes each; controls, failures, origins, acts 16; voidable 32
    lengths         from version 6 on: bytes of the explanations and of the tasks, of 4 bytes each; from version 7 on
                    also of the enrolment and of the weeks
    norms           from version 8 on: the key of the norms that the scores were made under, 8 bytes, all 0 for none
    length          in version 9 only: bytes of the erasure, of 8 bytes
    explanations    from version 6 on, see `streams.rows.explanations`
    tasks           from version 6 on, see `streams.rows.tasks`; an evidence item has its task's code, or 0
    enrolment       from version 7 on, see `streams.rows.enrolment`
    weeks           from version 7 on, see `streams.rows.weeks`
    erasure         in version 9 only, see `streams.rows.erasure`
    components      in version 5, and from version 6 on the rest, see `streams.rows.components`

A row with an erasure is of version 9; else one with norms, or whose enrolment names a source, of version 8; else one
with an enrolment or weeks of version 7; else one with explanations or tasks of version 6; else one with components of
version 5; any other of version 4.
The header says how many of each other part follow. All numbers are of fixed width, so a batch of rows is decoded and
encoded by moving words, without a loop over what is in them.
"""

import struct
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

ROW_VERSION: Final = 4
COMPONENTS_VERSION: Final = 5
"""Of a row that has components: the same, and that part behind all others."""
EXTENDED_VERSION: Final = 6
"""Of a row that has explanations or tasks: the same, these behind a word with their lengths, then components if any."""
WEEKLY_VERSION: Final = 7
"""Of a row that has an enrolment or weeks: as EXTENDED_VERSION, with a second word of lengths, and these before the
components.
"""
NORMED_VERSION: Final = 8
"""Of a row that has norms, or the source in its enrolment: as WEEKLY_VERSION, with the norms behind the lengths."""
ERASED_VERSION: Final = 9
"""Of a row that has an erasure: as NORMED_VERSION, with its length behind the norms, and it before the components."""
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
LENGTHS: Final = struct.Struct("<II")
LENGTH: Final = struct.Struct("<Q")

Array = NDArray[Any]
Indices = NDArray[np.intp]
NEW_HEADER: Final = np.zeros((), HEADER)
NEW_HEADER["version"], NEW_HEADER["offset"], NEW_HEADER["reasoned_offset"] = ROW_VERSION, -1, -1


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
EXTENSIONS: Final = ("explanations", "tasks", "enrolment", "weeks", "erasure", "components")
"""Parts that most rows have not, and of which the header says nothing; bytes, too."""
NORMS: Final = "norms"
"""As an extension; but it is one of the words that these begin with."""


def sizes_of(pieces: Sequence[bytes]) -> Indices:
    """How many bytes each has."""
    return np.fromiter(map(len, pieces), np.intp, len(pieces))


def ragged(counts: Array) -> tuple[Indices, Indices]:
    """For lists of these lengths, one behind the other: which list each element is of, and its place in that list."""
    owner = np.arange(len(counts)).repeat(counts)
    return owner, np.arange(len(owner)) - (counts.cumsum() - counts).repeat(counts)


def chunks(records: Array, counts: Array) -> list[bytes]:
    """The bytes of the first counts[0] records, of the next counts[1], and so on."""
    whole = records.tobytes()
    ends = (counts.cumsum() * records.dtype.itemsize).tolist()
    return [whole[a:b] for a, b in zip([0, *ends], ends, strict=False)]
