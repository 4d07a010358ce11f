"""Kafka's log files, torn: what a machine leaves that loses its power in mid-write.

A batch that was being written and never confirmed stands at the end of each log: its first half, or all of it with a
byte flipped. What was confirmed stays: with one replica, its loss is the broker's own, and no reader could mend it.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Final

_HEADER: Final = struct.Struct(">qi")  # a batch's first offset, and how many bytes follow these twelve
_LAST_DELTA: Final = struct.Struct(">i")
_LAST_DELTA_AT: Final = 23
_KRAFT: Final = "__cluster_metadata"


def tear(logs: Path, rng: Random) -> int:
    """Tears the end of every topic partition's log in the folder `logs` of a dead broker; how many it found."""
    torn = 0
    for segments in (sorted(folder.glob("*.log")) for folder in sorted(logs.iterdir()) if folder.is_dir()):
        if segments and not segments[-1].parent.name.startswith(_KRAFT) and (batches := list(_batches(segments[-1]))):
            with segments[-1].open("ab") as segment:
                segment.write(_half_written(batches[-1], rng))
            torn += 1
    return torn


def cut(partition: Path, batches: int) -> int:
    """Cuts the last `batches` confirmed batches off a partition's log; how many offsets are gone."""
    segment = sorted(partition.glob("*.log"))[-1]
    found = list(_batches(segment))
    kept, gone = found[:-batches], found[-batches:]
    segment.write_bytes(b"".join(kept))
    return sum(_next_offset(batch) - _HEADER.unpack_from(batch)[0] for batch in gone)


def _half_written(last: bytes, rng: Random) -> bytes:
    following = bytearray(last)
    struct.pack_into(">q", following, 0, _next_offset(last))
    if rng.random() < 0.5:
        return bytes(following[: rng.randrange(1, len(following))])
    following[rng.randrange(_LAST_DELTA_AT, len(following))] ^= 0xFF
    return bytes(following)


def _next_offset(batch: bytes) -> int:
    first: int = _HEADER.unpack_from(batch)[0]
    delta: int = _LAST_DELTA.unpack_from(batch, _LAST_DELTA_AT)[0]
    return first + delta + 1


def _batches(segment: Path) -> Iterator[bytes]:
    content, at = segment.read_bytes(), 0
    while at + _HEADER.size <= len(content):
        end = at + _HEADER.size + _HEADER.unpack_from(content, at)[1]
        if end > len(content) or end <= at + _HEADER.size:  # the rest of the file was allocated, not written
            return
        yield content[at:end]
        at = end
