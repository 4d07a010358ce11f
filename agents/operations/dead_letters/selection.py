"""Choosing among the dead letters there are, one in memory at a time."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from heapq import heappush, heappushpop
from typing import Final

from agents.kafka.reader import TopicReader
from agents.operations.dead_letters.letter import StoredLetter, letter_of
from schemas.errors import SkillstreamError

OTHER: Final = "other"
_MAX_REASONS: Final = 64


class NoSuchLetter(SkillstreamError):
    """There is no dead letter at that place."""


def all_letters(reader: TopicReader) -> Iterator[StoredLetter]:
    """Those there are as of now, partition after partition."""
    for partition, (start, end) in reader.spans().items():
        for message in reader.read(partition, start, end):
            yield letter_of(message)


def chosen(letters: Iterable[StoredLetter], reasons: Collection[str], since_ms: float) -> Iterator[StoredLetter]:
    """Those of `reasons` (empty: all) that were written at `since_ms` or after."""
    return (one for one in letters if one.written_ms >= since_ms and (not reasons or one.reason in reasons))


def counted(letters: Iterable[StoredLetter], counts: Counter[str]) -> Iterator[StoredLetter]:
    """All of them, counted by reason on their way; beyond 64 reasons, as `other`."""
    for stored in letters:
        counts[stored.reason if stored.reason in counts or len(counts) < _MAX_REASONS else OTHER] += 1
        yield stored


def newest(letters: Iterable[StoredLetter], limit: int) -> list[StoredLetter]:
    """The last `limit` to be written, oldest first, without their content."""
    kept: list[tuple[int, int, int, StoredLetter]] = []
    for stored in letters:
        entry = (stored.written_ms, stored.partition, stored.offset, stored.without_content())
        if len(kept) < limit:
            heappush(kept, entry)
        elif limit:
            heappushpop(kept, entry)
    return [stored for *_, stored in sorted(kept)]


def letter_at(reader: TopicReader, partition: int, offset: int) -> StoredLetter:
    """The one at that place. Raises NoSuchLetter."""
    start, end = reader.spans().get(partition, (0, 0))
    if start <= offset < end:
        for message in reader.read(partition, offset, offset + 1):
            return letter_of(message)
    there = f"{start} to {end - 1}" if end > start else "none"
    raise NoSuchLetter(f"{reader.topic} has no record at {partition}@{offset}; offsets there: {there}")
