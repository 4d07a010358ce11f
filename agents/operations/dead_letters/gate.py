"""The gate behind folding: a batch with too many dead letters stops the worker before any of it is sent."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Protocol

from schemas.dead_letter import REINSERTED_HEADER, DeadLetter
from schemas.dialects import Record
from schemas.errors import Fatal
from streams.input.poison import Bad, PoisonLimits, PoisonWindow, Verdict
from streams.input.signature import Authentic


class TooManyDeadLetters(Fatal):
    """More records cannot be read than the limits allow: a producer is broken, or this program is."""


class Past(Protocol):
    """Knows what was bad before: see PastDeadLetters."""

    async def before(self, partition: int, offset: int, records: int) -> list[tuple[int, str]]:
        """(offset, reason) of what was bad among the last `records` of the partition before `offset`."""
        ...


class DeadLetterGate:
    """Watches the activity topic's partitions. Records that `dead-letters replay` sent back count as good: somebody

    asked for them. The past is asked for only when a partition's first bad record comes.
    """

    def __init__(self, limits: PoisonLimits, past: Past, authentic: Authentic) -> None:
        self._limits = limits
        self._past = past
        self._authentic = authentic
        self._windows: dict[int, PoisonWindow] = {}

    async def check(
        self, partition: int, records: Sequence[Record], dead_letters: Sequence[tuple[Record, DeadLetter]]
    ) -> None:
        """Count a partition's next batch and its dead letters. Raises TooManyDeadLetters."""
        if self._limits.off or not records:
            return
        first_offset = records[0].offset
        window = self._windows.get(partition)
        if window is None or first_offset < window.next_offset:
            window = self._windows[partition] = PoisonWindow(self._limits, first_offset)
        bad = _bad(
            records, [(record, dead_letter) for record, dead_letter in dead_letters if not self._was_sent_back(record)]
        )
        if bad and window.lacks_past:
            window.recall(await self._past.before(partition, window.first_offset, self._limits.span_records))
        verdict = window.take(len(records), bad, next_offset=records[-1].offset + 1)
        if verdict is not None:
            del self._windows[partition]
            raise TooManyDeadLetters(_explain(records[0].topic, partition, records, verdict))

    def drop(self, partitions: frozenset[int]) -> None:
        """Drop the counts of partitions that went to another worker."""
        for partition in partitions:
            self._windows.pop(partition, None)

    def _was_sent_back(self, record: Record) -> bool:
        return any(name == REINSERTED_HEADER for name, _ in record.headers) and self._authentic(record)

    @property
    def share(self) -> float:
        """The largest share of bad records in any partition's window, from 0 to 1."""
        return max((window.share for window in self._windows.values()), default=0.0)


def _bad(records: Sequence[Record], dead_letters: Sequence[tuple[Record, DeadLetter]]) -> list[Bad]:
    reasons: dict[int, str] = {}
    for record, dead_letter in dead_letters:
        reasons.setdefault(record.offset, dead_letter.reason)
    return [
        Bad(bisect_left(records, offset, key=lambda record: record.offset), offset, reasons[offset])
        for offset in sorted(reasons)
    ]


def _explain(topic: str, partition: int, records: Sequence[Record], verdict: Verdict) -> str:
    reasons = ", ".join(f"{reason} ({count})" for reason, count in verdict.reasons[:3])
    return (
        f"{verdict.bad} of the last {verdict.records} records of {topic}/{partition} cannot be read: {reasons}; the "
        f"first at offset {verdict.first_offset}. Nothing of the batch from offset {records[0].offset} to "
        f"{records[-1].offset} was sent or acknowledged: a restart reads it again. Fix the producer. To make dead "
        "letters of what is there already, run with SKILLSTREAM_DEAD_LETTER_MAX_RATIO=1 and "
        "SKILLSTREAM_DEAD_LETTER_MAX_CONSECUTIVE=0 until it is past; `skillstream dead-letters replay` brings back "
        "what can be read later"
    )
