"""A student's row: everything known of one student, one record of the table.

Encoded as MessagePack arrays, versioned, at most MAX_ROW_BYTES. Decayed sums are kept at the row's reference time
`reference_us`: an event at time t adds v·2^((t − reference)/HALF_LIFE), whatever order events arrive in (forward decay;
Cormode, Shkapenyuk, Srivastava and Xu 2009).
"""

from typing import Final

import msgspec
from msgspec import Struct

from schemas.errors import Fatal

ROW_VERSION: Final = 1
MAX_ROW_BYTES: Final = 5120  # above the worst case of eight skills (tests/unit/test_row.py)
MAX_EVIDENCE: Final = 3
MAX_IDS: Final = 48
ID_BYTES: Final = 8
MAX_OPEN_FAILURES: Final = 8
MAX_CONTROLS: Final = 8
HALF_LIFE_US: Final = 30 * 86_400 * 1_000_000


class Totals(Struct, array_like=True):
    """One fact's sums: `n`, `total`, `squares` for life; `recent_n`, `recent_total` decayed to the reference time."""

    n: int = 0
    total: float = 0.0
    squares: float = 0.0
    recent_n: float = 0.0
    recent_total: float = 0.0
    newest_s: int = 0


class Telling(Struct, array_like=True, frozen=True):
    """An event worth showing. `fact` is a fact's name, or "~" and a phrase; `weight` in tenths, signed."""

    fact: str
    value: float
    time_s: int
    weight: int


class ControlUse(Struct, array_like=True):
    """How often one control was varied alone, and how often it was also the only one changed."""

    alone: int = 0
    isolated: int = 0


class SkillCell(Struct, array_like=True):
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


class Pending(Struct, array_like=True):
    """What reasoning is owed. Times in µs of the records' clock; `reasoned` is the position last explained."""

    reasoned_epoch: int = 0
    reasoned_offset: int = -1
    value: float = 0.0
    since_us: int = 0
    attempts: int = 0
    not_before_us: int = 0


class Row(Struct, array_like=True):
    """See the module. `offset` is that of the last record folded, under `epoch`; `ids` the last MAX_IDS id hashes."""

    version: int = ROW_VERSION
    epoch: int = 0
    offset: int = -1
    reference_us: int = 0
    first_us: int = 0
    as_of_us: int = 0
    events: int = 0
    late: int = 0
    facts: dict[int, Totals] = {}
    controls: dict[int, ControlUse] = {}
    skills: dict[str, SkillCell] = {}
    ids: bytes = b""
    origins: dict[int, tuple[int, int]] = {}
    open_failures: dict[int, int] = {}
    pending: Pending = msgspec.field(default_factory=Pending)
    erased_us: int = 0


_ENCODER: Final = msgspec.msgpack.Encoder()
_DECODER: Final = msgspec.msgpack.Decoder(Row)


def encode_row(row: Row) -> bytes:
    """Return the bytes kept in the table and its changelog, at most MAX_ROW_BYTES.

    A row that would be larger gives up evidence items, the weakest of each skill first: they explain, they don't count.
    """
    stored = _ENCODER.encode(row)
    while len(stored) > MAX_ROW_BYTES and any(cell.telling for cell in row.skills.values()):
        for cell in row.skills.values():
            cell.telling = cell.telling[:-1]
        stored = _ENCODER.encode(row)
    return stored


def decode_row(stored: bytes) -> Row:
    """Return the row that `stored` holds, upcast to the current version.

    Raises Fatal for a row of a newer version or one that cannot be read: to go on would overwrite it.
    """
    try:
        row = _DECODER.decode(stored)
    except msgspec.MsgspecError as error:
        raise Fatal(f"a stored row cannot be read ({error}); was the changelog written by another program?") from None
    if row.version > ROW_VERSION:
        raise Fatal(f"a stored row has version {row.version}; this program reads up to {ROW_VERSION}: upgrade it")
    return row
