"""A student's row: everything known of one student, one record of the table; here as one object.

Decayed sums are kept at the row's reference time: an event at time t adds v·2^((t − reference_us)/HALF_LIFE_US), in
whatever order events arrive (forward decay; Cormode, Shkapenyuk, Srivastava and Xu 2009). How rows lie in bytes is in
`streams.layout`; batches of them are worked on as arrays (`streams.block`), single ones as this.
"""

import math
import struct
from collections.abc import Sequence
from typing import Any, Final
from zlib import crc32

import msgspec
import numpy as np
from msgspec import Struct, field

from schemas.errors import Fatal
from streams.facts import INDEX
from streams.layout import (
    CELL,
    FACT,
    HEADER,
    ID,
    NEW_HEADER,
    ROW_VERSION,
    TELLING,
    Array,
    Split,
)
from streams.row_v1 import FIRST_BYTES, RowV1, SkillCellV1, decode_v1

MAX_ROW_BYTES: Final = 5120  # above the worst case (tests/unit/test_row.py)
MAX_EVIDENCE: Final = 3
MAX_CELLS: Final = 16
MAX_IDS: Final = 48
ID_BYTES: Final = ID.itemsize
MAX_OPEN_FAILURES: Final = 8
MAX_CONTROLS: Final = 8
_CONTROL: Final = struct.Struct("<IIII")  # these three as in `streams.layout`: there are few, in few rows
_FAILURE: Final = struct.Struct("<IIq")
_ORIGIN: Final = struct.Struct("<IIq")
HALF_LIFE_US: Final = 30 * 86_400 * 1_000_000
RUBRIC: Final = 0x7FFFFFFF
PHRASE: Final = 0x80000000
"""A telling's code is a fact's index, RUBRIC, or this bit and the hash of a phrase."""


class Totals(Struct):
    """One fact's sums: `n`, `total`, `squares` for life; `recent_n`, `recent_total` decayed to the reference time."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    recent_n: float = 0.0
    recent_total: float = 0.0
    newest_s: int = 0


class Telling(Struct, frozen=True):
    """An event worth showing, by its code; `weight` in tenths, signed."""

    code: int
    value: float
    time_s: int
    weight: int


class ControlUse(Struct):
    """How often one control was varied alone, and how often it was also the only one changed."""

    alone: int = 0
    isolated: int = 0


class SkillCell(Struct):
    """One skill's own state: language and rubric sums (decayed), the last score, the score last explained (-1: none),
    the last telling events.
    """

    text_n: float = 0.0
    text_total: float = 0.0
    text_newest_s: int = 0
    rubric_n: float = 0.0
    rubric_total: float = 0.0
    rubric_newest_s: int = 0
    score: float = -1.0
    confidence: float = 0.0
    explained: float = -1.0
    telling: list[Telling] = []


class Pending(Struct):
    """What reasoning is owed. Times in µs of the records' clock; `reasoned` is the position last explained."""

    reasoned_epoch: int = 0
    reasoned_offset: int = -1
    value: float = 0.0
    since_us: int = 0
    attempts: int = 0
    not_before_us: int = 0


class Row(Struct):
    """See the module. `offset` is that of the last record folded, under `epoch`; `ids` the last MAX_IDS id hashes.

    `skills` is by `skill_code`, `controls` and `open_failures` by CRC-32 of their names. A student was forgotten at
    `erased_us`, if above 0: nothing that was sent until then counts. Without `events` the row is but the stub of one.
    """

    epoch: int = 0
    offset: int = -1
    reference_us: int = 0
    first_us: int = 0
    as_of_us: int = 0
    events: int = 0
    facts: dict[int, Totals] = {}
    controls: dict[int, ControlUse] = {}
    skills: dict[int, SkillCell] = {}
    ids: bytes = b""
    origins: dict[int, tuple[int, int]] = {}
    open_failures: dict[int, int] = {}
    pending: Pending = field(default_factory=Pending)
    erased_us: int = 0

    @property
    def is_stub(self) -> bool:
        """Whether this is all that is left of a student who was forgotten, and was not seen since."""
        return self.erased_us > 0 and self.events == 0


def decayed(reference_us: int, at_us: int) -> float:
    """The factor that carries a sum kept at `reference_us` to `at_us`."""
    return math.exp2((reference_us - at_us) / HALF_LIFE_US)


def skill_code(name: str) -> int:
    """What a skill is called in a row."""
    return crc32(name.encode())


def phrase_code(phrase: str) -> int:
    """What a phrase is called in a telling event."""
    return PHRASE | crc32(phrase.encode())


def encode_row(row: Row) -> bytes:
    """Return the bytes kept in the table and its changelog, at most MAX_ROW_BYTES; equal rows, equal bytes."""
    facts = sorted(row.facts.items())
    cells = sorted(row.skills.items())[:MAX_CELLS]
    tellings = [telling for _, cell in cells for telling in cell.telling]
    header = NEW_HEADER.copy()
    header["cells"], header["tellings"] = len(cells), len(tellings)
    header["ids"], header["controls"] = len(row.ids) // ID_BYTES, len(row.controls)
    header["failures"], header["origins"] = len(row.open_failures), len(row.origins)
    header["facts"] = sum(1 << fact for fact, _ in facts)
    for name in _SCALARS:
        header[name] = getattr(row, name)
    for name in Pending.__struct_fields__:
        header[name] = getattr(row.pending, name)
    return b"".join(
        (
            header.tobytes(),
            _records(FACT, [_values(totals, FACT) for _, totals in facts]),
            _records(CELL, [_cell_values(skill, cell) for skill, cell in cells]),
            _records(TELLING, [(t.code, t.time_s, t.value, t.weight, 0) for t in tellings]),
            row.ids,
            controls_part(row.controls),
            failures_part(row.open_failures),
            origins_part(row.origins),
        )
    )


def decode_row(stored: bytes) -> Row:
    """Return the row that `stored` holds, of any version.

    Raises Fatal for a row of a newer version or one that cannot be read: to go on would overwrite it.
    """
    split = split_rows([stored])
    header, small = split.headers[0], {name: parts[0] for name, parts in split.small.items()}
    cells = {int(cell["skill"]): _cell(cell) for cell in split.cells.records}
    if len(cells) != len(split.cells.records):
        raise Fatal("a stored row cannot be read (two cells of one skill): was it written by another program?")
    tellings = iter([Telling(*values) for values in split.tellings.records[_TELLING_ORDER].tolist()])
    for cell, count in zip(cells.values(), split.cells.records["tellings"].tolist(), strict=True):
        cell.telling = [next(tellings) for _ in range(count)]
    return Row(
        **{name: header[name].item() for name in _SCALARS},
        pending=pending_of(header),
        facts={
            int(fact): Totals(*values)
            for fact, values in zip(
                np.flatnonzero(split.fact_bits[0]), split.facts.records[_FACT_ORDER].tolist(), strict=True
            )
        },
        skills=cells,
        ids=small["ids"],
        controls=controls_of(small["controls"]),
        open_failures=failures_of(small["failures"]),
        origins=origins_of(small["origins"]),
    )


def split_rows(stored: Sequence[bytes]) -> Split:
    """Rows of any version, taken apart. Raises Fatal as `decode_row` does."""
    if any(row[:1] != _VERSION for row in stored):
        stored = [row if row[:1] == _VERSION else _upcast(row) for row in stored]
    try:
        return Split(stored)
    except ValueError as error:
        raise Fatal(f"a stored row cannot be read ({error}); was the changelog written by another program?") from None


def headers_of(stored: Sequence[bytes]) -> Array:
    """Only the headers of rows of any version (see `streams.layout`). Raises Fatal as `decode_row` does."""
    if any(row[:1] != _VERSION or len(row) < HEADER.itemsize for row in stored):
        return split_rows(stored).headers
    return np.frombuffer(b"".join([row[: HEADER.itemsize] for row in stored]), HEADER)


def pending_of(header: Any) -> Pending:
    """What a row's header says of pending work."""
    return Pending(**{name: header[name].item() for name in Pending.__struct_fields__})


def controls_of(part: bytes) -> dict[int, ControlUse]:
    """The controls in their part of a row."""
    return {key: ControlUse(alone, isolated) for key, alone, isolated, _ in _CONTROL.iter_unpack(part)}


def controls_part(controls: dict[int, ControlUse]) -> bytes:
    """The reverse of `controls_of`."""
    return b"".join([_CONTROL.pack(key, controls[key].alone, controls[key].isolated, 0) for key in sorted(controls)])


def failures_of(part: bytes) -> dict[int, int]:
    """The open failures in their part of a row: µs by item."""
    return {item: time_us for item, _, time_us in _FAILURE.iter_unpack(part)}


def failures_part(failures: dict[int, int]) -> bytes:
    """The reverse of `failures_of`."""
    return b"".join([_FAILURE.pack(item, 0, failures[item]) for item in sorted(failures)])


def origins_of(part: bytes) -> dict[int, tuple[int, int]]:
    """How far forwards have come, (offset, index) by partition, in the order of use."""
    return {partition: (offset, index) for partition, index, offset in _ORIGIN.iter_unpack(part)}


def origins_part(origins: dict[int, tuple[int, int]]) -> bytes:
    """The reverse of `origins_of`."""
    return b"".join([_ORIGIN.pack(partition, index, offset) for partition, (offset, index) in origins.items()])


def _upcast(stored: bytes) -> bytes:
    if not stored.startswith(FIRST_BYTES):
        version = f"has version {stored[0]}" if len(stored) > 0 and stored[0] < 0x80 else "cannot be read"
        raise Fatal(f"a stored row {version}; this program reads versions 1 to {ROW_VERSION}: is it the newest?")
    try:
        return encode_row(_of_v1(decode_v1(stored)))
    except (msgspec.MsgspecError, LookupError, ArithmeticError, ValueError, struct.error) as error:
        raise Fatal(f"a stored row cannot be read ({error}); was the changelog written by another program?") from None


def _of_v1(first: RowV1) -> Row:
    return Row(
        **{name: getattr(first, name) for name in (*_SCALARS, "ids", "origins", "open_failures")},
        facts={fact: Totals(**msgspec.structs.asdict(totals)) for fact, totals in first.facts.items()},
        controls={key: ControlUse(use.alone, use.isolated) for key, use in first.controls.items()},
        skills={skill_code(name): _cell_of_v1(cell) for name, cell in first.skills.items()},
        pending=Pending(**msgspec.structs.asdict(first.pending)),
    )


def _cell_of_v1(first: SkillCellV1) -> SkillCell:
    told = [Telling(_code(t.fact), t.value, t.time_s, t.weight) for t in first.telling]
    return SkillCell(**{**msgspec.structs.asdict(first), "telling": told})


def _code(fact: str) -> int:
    if fact.startswith("~"):
        return phrase_code(fact[1:])
    return RUBRIC if fact == "rubric" else INDEX[fact]


_VERSION: Final = bytes([ROW_VERSION])
_SCALARS: Final = ("epoch", "offset", "reference_us", "first_us", "as_of_us", "events", "erased_us")
_FACT_ORDER: Final = list(Totals.__struct_fields__)
_TELLING_ORDER: Final = list(Telling.__struct_fields__)


def _records(kind: "np.dtype[Any]", values: Sequence[tuple[Any, ...]]) -> bytes:
    return np.array(values, kind).tobytes() if values else b""


def _values(totals: Struct, kind: "np.dtype[Any]") -> tuple[Any, ...]:
    return tuple(getattr(totals, name) for name in kind.names or ())


def _cell_values(skill: int, cell: SkillCell) -> tuple[Any, ...]:
    return tuple(
        skill if name == "skill" else len(cell.telling) if name == "tellings" else getattr(cell, name)
        for name in CELL.names or ()
    )


def _cell(record: Array) -> SkillCell:
    return SkillCell(**{name: record[name].item() for name in CELL.names or () if name not in ("skill", "tellings")})
