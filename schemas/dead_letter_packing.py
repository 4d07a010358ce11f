"""Large dead letters are packed: a record of megabytes that came as kilobytes goes on as kilobytes, and is kept whole.

    up to PLAIN_BYTES, or what packing makes no smaller ──► as it came
    more ──► one zstd frame of the value; of the key too, where that is larger than any student's

`dl-encoding` says that it was done, `dl-packed` what is in the frame, `dl-unpacked_bytes` and `dl-key_bytes` how large.
What is too large for the topic even so is cut off, as `dl-cut_bytes` says; no producer has been seen to do that.
"""

from typing import Final, NamedTuple

import cramjam
import msgspec

from schemas.dead_letter import DeadLetter

PLAIN_BYTES: Final = 64 * 1024
MAX_KEY_BYTES: Final = 4 * 1024
MAX_UNPACKED_BYTES: Final = 1 << 30
"""Of what others may have written: nobody is to have our commands fill the memory."""
_LEVELS: Final = (3, 12)


class Content(NamedTuple):
    """Key and value of a dead letter, packed or not, and the dead letter that says so."""

    dead_letter: DeadLetter
    key: bytes | None
    value: bytes | None


class NotPacked(ValueError):
    """The value is not what the letter's headers say of it."""


def pack(dead_letter: DeadLetter, key: bytes | None, value: bytes | None, largest_bytes: int) -> Content:
    """The dead letter as it is to be sent, key and value no larger than `largest_bytes` together."""
    size_bytes = len(key or b"") + len(value or b"")
    dead_letter = msgspec.structs.replace(dead_letter, encoding="", packed="", unpacked_bytes=0, key_bytes=0)
    if size_bytes <= min(PLAIN_BYTES, largest_bytes):
        return Content(dead_letter, key, value)
    has_large_key = len(key or b"") > MAX_KEY_BYTES
    body = (key or b"") + (value or b"") if has_large_key else value or b""
    plain_key = None if has_large_key else key
    for level in _LEVELS:
        frame = bytes(cramjam.zstd.compress(body, level=level))
        packed_bytes = len(plain_key or b"") + len(frame)
        if packed_bytes < size_bytes and packed_bytes <= largest_bytes:
            what = ("key" if value is None else "key,value") if has_large_key else "value"
            said = {"packed": what, "unpacked_bytes": len(body), "key_bytes": len(key or b"") if has_large_key else 0}
            return Content(msgspec.structs.replace(dead_letter, encoding="zstd", **said), plain_key, frame)
        if size_bytes <= largest_bytes:
            return Content(dead_letter, key, value)
    return _cut(dead_letter, key, value, largest_bytes)


def unpack(dead_letter: DeadLetter, key: bytes | None, value: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Key and value of the record that `dead_letter` is about, as they came. Raises NotPacked."""
    if not dead_letter.encoding:
        return key, value
    if dead_letter.unpacked_bytes > MAX_UNPACKED_BYTES:
        raise NotPacked(f"{dead_letter.unpacked_bytes} bytes when unpacked; {MAX_UNPACKED_BYTES} are unpacked at most")
    body = bytearray(dead_letter.unpacked_bytes)
    try:
        written = cramjam.zstd.decompress_into(value or b"", body)
    except (cramjam.DecompressionError, ValueError, OverflowError) as error:
        raise NotPacked(f"its value is no zstd frame of {dead_letter.unpacked_bytes} bytes") from error
    if written != dead_letter.unpacked_bytes:
        raise NotPacked(f"{written} bytes when unpacked, and {dead_letter.unpacked_bytes} by its headers")
    whole = bytes(body)
    match dead_letter.packed:
        case "key":
            return whole, None
        case "key,value":
            return whole[: dead_letter.key_bytes], whole[dead_letter.key_bytes :]
        case _:
            return key, whole


def _cut(dead_letter: DeadLetter, key: bytes | None, value: bytes | None, largest_bytes: int) -> Content:
    size_bytes = len(key or b"") + len(value or b"")
    key = None if key is None else key[:largest_bytes]
    value = None if value is None else value[: largest_bytes - len(key or b"")]
    error = f"{dead_letter.error}; cut off after {largest_bytes} of its {size_bytes} bytes"
    return Content(msgspec.structs.replace(dead_letter, error=error, cut_bytes=size_bytes - largest_bytes), key, value)
