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
    """Key and value of a dead letter, packed or not, and the letter that says so."""

    letter: DeadLetter
    key: bytes | None
    value: bytes | None


class NotPacked(ValueError):
    """The value is not what the letter's headers say of it."""


def pack(letter: DeadLetter, key: bytes | None, value: bytes | None, largest_bytes: int) -> Content:
    """The letter as it is to be sent, key and value no larger than `largest_bytes` together."""
    size_bytes = len(key or b"") + len(value or b"")
    letter = msgspec.structs.replace(letter, encoding="", packed="", unpacked_bytes=0, key_bytes=0)
    if size_bytes <= min(PLAIN_BYTES, largest_bytes):
        return Content(letter, key, value)
    has_large_key = len(key or b"") > MAX_KEY_BYTES
    body = (key or b"") + (value or b"") if has_large_key else value or b""
    kept_key = None if has_large_key else key
    for level in _LEVELS:
        frame = bytes(cramjam.zstd.compress(body, level=level))
        packed_bytes = len(kept_key or b"") + len(frame)
        if packed_bytes < size_bytes and packed_bytes <= largest_bytes:
            what = ("key" if value is None else "key,value") if has_large_key else "value"
            said = {"packed": what, "unpacked_bytes": len(body), "key_bytes": len(key or b"") if has_large_key else 0}
            return Content(msgspec.structs.replace(letter, encoding="zstd", **said), kept_key, frame)
        if size_bytes <= largest_bytes:
            return Content(letter, key, value)
    return _cut(letter, key, value, largest_bytes)


def unpack(letter: DeadLetter, key: bytes | None, value: bytes | None) -> tuple[bytes | None, bytes | None]:
    """Key and value of the record that `letter` is about, as they came. Raises NotPacked."""
    if not letter.encoding:
        return key, value
    if letter.unpacked_bytes > MAX_UNPACKED_BYTES:
        raise NotPacked(f"{letter.unpacked_bytes} bytes when unpacked; {MAX_UNPACKED_BYTES} are unpacked at most")
    body = bytearray(letter.unpacked_bytes)
    try:
        written = cramjam.zstd.decompress_into(value or b"", body)
    except (cramjam.DecompressionError, ValueError, OverflowError) as error:
        raise NotPacked(f"its value is no zstd frame of {letter.unpacked_bytes} bytes") from error
    if written != letter.unpacked_bytes:
        raise NotPacked(f"{written} bytes when unpacked, and {letter.unpacked_bytes} by its headers")
    whole = bytes(body)
    match letter.packed:
        case "key":
            return whole, None
        case "key,value":
            return whole[: letter.key_bytes], whole[letter.key_bytes :]
        case _:
            return key, whole


def _cut(letter: DeadLetter, key: bytes | None, value: bytes | None, largest_bytes: int) -> Content:
    size_bytes = len(key or b"") + len(value or b"")
    key = None if key is None else key[:largest_bytes]
    value = None if value is None else value[: largest_bytes - len(key or b"")]
    error = f"{letter.error}; cut off after {largest_bytes} of its {size_bytes} bytes"
    return Content(msgspec.structs.replace(letter, error=error, cut_bytes=size_bytes - largest_bytes), key, value)
