"""`dead-letters`: the original key, value and headers, untouched; where they came from and why, in headers of ours.

Ours begin with `dl-`; a producer's header that does too is kept as `dl-original-<its name>`. All of the producer's
headers are kept, in their order, as long as they fit into MAX_OWN_HEADERS_BYTES; how many did not is said.
"""

from collections.abc import Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.bounds import Epoch, Milliseconds, Offset, Partition, Size, Tries
from schemas.parts import PATTERN

MAX_ERROR_CHARS: Final = 500
MAX_OWN_HEADERS_BYTES: Final = 48 * 1024
MAX_RUNS_A_DEAD_LETTER: Final = 800
"""In `parts`: beside the producer's headers, they fit into what a dead letter may be larger than its record."""
REINSERTED_HEADER: Final = "skillstream-reinserted"
"""On a record that `dead-letters replay` sent back: which dead letter it was, and when (ms) its record first came, as
topic/partition@offset;time."""

_OURS: Final = "dl-"
_MOVED: Final = "dl-original-"
_HEADER_OVERHEAD_BYTES: Final = 10  # two lengths, as variable-length integers

Header = tuple[str, bytes | None]


class DeadLetter(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What our headers say. `index` counts within an envelope; `timestamp` is the record's, in ms.

    `parts` names those it is about, from `index` on, as `3` or `15-99,120`; none: it is about the record as a whole.
    So many `replays` have put it at the end of the dead letters again, since parts of it still could not be read.
    `epoch` is the input topic's (SKILLSTREAM_EPOCH). `cut_bytes` of key and value were too many to keep;
    `headers_left_out` of the producer's headers were, too. How a large one is packed (`encoding`, `packed`,
    `unpacked_bytes`, `key_bytes`) is in `schemas.dead_letter_packing`; what is left of one that is `redacted`, by
    that method, in `schemas.dead_letter_redaction`; how it is `keyed`, in `schemas.dead_letter_content`.
    """

    topic: str
    partition: Partition
    offset: Offset
    timestamp: Milliseconds
    index: Size
    reason: str
    error: str
    schema_guess: str
    epoch: Epoch = 0
    cut_bytes: Size = 0
    headers_left_out: Size = 0
    parts: Annotated[str, Meta(pattern=PATTERN)] = ""
    replays: Tries = 0
    encoding: Annotated[str, Meta(pattern="^(zstd)?$")] = ""
    packed: Annotated[str, Meta(pattern="^(key|value|key,value)?$")] = ""
    unpacked_bytes: Size = 0
    key_bytes: Size = 0
    redacted: Annotated[str, Meta(pattern="^(hmac-sha256)?$")] = ""
    keyed: Annotated[str, Meta(pattern="^(unique(,null)?)?$")] = ""


def to_headers(dead_letter: DeadLetter) -> tuple[tuple[str, bytes], ...]:
    """Our headers, values as UTF-8 text."""
    fields = msgspec.to_builtins(dead_letter)
    fields["error"] = dead_letter.error[:MAX_ERROR_CHARS]
    return tuple((f"{_OURS}{name}", str(value).encode()) for name, value in fields.items())


def with_own_headers(dead_letter: DeadLetter, own: Sequence[Header]) -> tuple[Header, ...]:
    """Our headers, then the producer's `own`, as many as there is room for."""
    fitting = _fitting([(f"{_MOVED}{name}" if name.startswith(_OURS) else name, value) for name, value in own])
    left_out = dead_letter.headers_left_out + len(own) - len(fitting)
    return (*to_headers(msgspec.structs.replace(dead_letter, headers_left_out=left_out)), *fitting)


def from_headers(headers: Sequence[Header]) -> DeadLetter:
    """The reverse of `to_headers`. Raises msgspec.ValidationError where a header is missing or is not ours."""
    known = {f"{_OURS}{name}": name for name in DeadLetter.__struct_fields__}
    said = ((known[name], value) for name, value in headers if name in known and value is not None)
    fields = {name: value.decode("utf-8", "replace") for name, value in said}
    return msgspec.convert(fields, DeadLetter, strict=False)


def own_headers(headers: Sequence[Header]) -> tuple[Header, ...]:
    """The producer's headers under their own names, as far as they were kept."""
    return tuple(
        (name.removeprefix(_MOVED), value)
        for name, value in headers
        if name.startswith(_MOVED) or not name.startswith(_OURS)
    )


def _fitting(headers: Sequence[Header]) -> list[Header]:
    fitting, room_bytes = [], MAX_OWN_HEADERS_BYTES
    for name, value in headers:
        size_bytes = len(name.encode()) + len(value or b"") + _HEADER_OVERHEAD_BYTES
        if size_bytes <= room_bytes:
            fitting.append((name, value))
            room_bytes -= size_bytes
    return fitting
