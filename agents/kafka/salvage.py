"""Records of a batch that aiokafka does not get to its end, read one by one.

A header's name is text, but nothing holds a producer to that, and neither Kafka nor librdkafka minds: a record with a
name that is no UTF-8 is read as one without headers, here as in `agents.kafka.record`. Of aiokafka 0.14 this uses the
batch that is written in Python, for its head and its codecs.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.util import decode_varint

_LOG_APPEND_TIME: Final = 1


class Salvaged(NamedTuple):
    """A record, as aiokafka's."""

    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


def salvage(batch: bytes) -> Iterator[Salvaged]:
    """The records of `batch` (of message format 2), up to the first that is no record. Raises ValueError there, and
    whatever the codec raises.
    """
    whole = _DefaultRecordBatchPy(batch)
    iter(whole)  # decompresses
    body, at = whole._buffer, whole._pos
    for number in range(whole._num_records):
        try:
            record, at = _field(body, at)
            yield _record(whole, record or b"")
        except (ValueError, IndexError) as error:
            raise ValueError(f"record {number} of {whole._num_records}: {error}") from error


def _record(whole: Any, body: bytes) -> Salvaged:
    after_ms, at = decode_varint(body, 1)  # behind the attributes, which mean nothing
    delta, at = decode_varint(body, at)
    key, at = _field(body, at)
    value, at = _field(body, at)
    is_append_time = whole.timestamp_type == _LOG_APPEND_TIME
    return Salvaged(
        whole.base_offset + delta,
        whole.max_timestamp if is_append_time else whole.first_timestamp + after_ms,
        whole.timestamp_type,
        key,
        value,
        _headers(body, at),
    )


def _headers(body: bytes, at: int) -> tuple[tuple[str, bytes | None], ...]:
    """All; none where a name is no UTF-8."""
    count, at = decode_varint(body, at)
    found = []
    for _ in range(count):
        name, at = _field(body, at)
        value, at = _field(body, at)
        found.append((name or b"", value))
    try:
        return tuple((name.decode(), value) for name, value in found)
    except UnicodeDecodeError:
        return ()


def _field(body: bytes, at: int) -> tuple[bytes | None, int]:
    """What has its length before it, None for a negative one; and where it ends."""
    length, at = decode_varint(body, at)
    if length < 0:
        return None, at
    if at + length > len(body):
        raise ValueError(f"{length} bytes are said, {len(body) - at} are left")
    return bytes(body[at : at + length]), at + length
