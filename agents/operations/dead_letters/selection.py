"""Choosing among the dead letters there are, one in memory at a time."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from heapq import heappush, heappushpop
from typing import Final

from agents.kafka.reader import TopicReader
from agents.operations.dead_letters.stored import StoredDeadLetter, stored_dead_letter
from schemas.errors import SkillstreamError

OTHER_REASONS: Final = "other"
_MAX_REASONS: Final = 64


class NoSuchDeadLetter(SkillstreamError):
    """There is no dead letter at that place."""


def all_dead_letters(reader: TopicReader) -> Iterator[StoredDeadLetter]:
    """Those there are as of now, partition after partition."""
    for partition, (start, end) in reader.spans().items():
        for message in reader.read(partition, start, end):
            stored = stored_dead_letter(message)
            if stored.erases is None:
                yield stored


def chosen(
    dead_letters: Iterable[StoredDeadLetter], reasons: Collection[str], since_ms: float
) -> Iterator[StoredDeadLetter]:
    """Those of `reasons` (empty: all) that were written at `since_ms` or after."""
    return (one for one in dead_letters if one.written_ms >= since_ms and (not reasons or one.reason in reasons))


def counted(
    dead_letters: Iterable[StoredDeadLetter], counts: Counter[str], redacted: Counter[bool]
) -> Iterator[StoredDeadLetter]:
    """All of them, counted by reason on their way, beyond 64 reasons as `other`; and by whether they are redacted."""
    for stored in dead_letters:
        redacted[stored.is_redacted] += 1
        counts[stored.reason if stored.reason in counts or len(counts) < _MAX_REASONS else OTHER_REASONS] += 1
        yield stored


def newest(dead_letters: Iterable[StoredDeadLetter], limit: int) -> list[StoredDeadLetter]:
    """The last `limit` to be written, oldest first, without their content."""
    last: list[tuple[int, int, int, StoredDeadLetter]] = []
    for stored in dead_letters:
        entry = (stored.written_ms, stored.partition, stored.offset, stored.without_content())
        if len(last) < limit:
            heappush(last, entry)
        elif limit:
            heappushpop(last, entry)
    return [stored for *_, stored in sorted(last)]


def dead_letter_at(reader: TopicReader, partition: int, offset: int) -> StoredDeadLetter:
    """The one at that place. Raises NoSuchDeadLetter."""
    start, end = reader.spans().get(partition, (0, 0))
    if start <= offset < end:
        for message in reader.read(partition, offset, offset + 1):
            stored = stored_dead_letter(message)
            if stored.erases is not None:
                raise NoSuchDeadLetter(f"{partition}@{offset} is no dead letter: it says that one is erased")
            return stored
    there = f"{start} to {end - 1}" if end > start else "none"
    raise NoSuchDeadLetter(f"{reader.topic} has no record at {partition}@{offset}; offsets there: {there}")
