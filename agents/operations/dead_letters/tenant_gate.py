"""The gate where several tenants write: one with too many dead letters is held, and the others go on.

Counted are the records of one tenant on one partition, from its first bad one on; what others wrote between them does
not count. A start begins to count anew: so a tenant may have some more dead letters, and nothing depends on it, since
where a hold begins is written down before anything behind it is worked on.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from itertools import dropwhile
from typing import Final

from schemas.dead_letter import REINSERTED_HEADER, DeadLetter
from schemas.dialects import Record
from streams.input.poison import Bad, PoisonLimits, PoisonWindow, Verdict
from streams.input.signature import Authentic
from streams.input.tenancy import Tenancy
from streams.input.tenant_decoding import TENANT_HELD
from streams.input.tenant_hold import HeldAnew

PutHold = Callable[[str, int, int, str], Awaitable[None]]
"""Holds a tenant on a partition from an offset on, for a reason; returns when that is confirmed."""
_NOT_COUNTED: Final = (TENANT_HELD, "unreadable_batch")
_MOST_REASONS: Final = 3


class TenantGate:
    """`limits_of` tells a tenant's limits, `news_from` the first offset of a partition that was not folded before a
    rebuild: nobody is held for what is older.
    """

    def __init__(
        self,
        limits_of: Callable[[str], PoisonLimits],
        tenancy: Tenancy,
        authentic: Authentic,
        hold: PutHold,
        news_from: Callable[[int], int],
    ) -> None:
        self._limits_of, self._tenancy, self._authentic = limits_of, tenancy, authentic
        self._hold, self._news_from = hold, news_from
        self._windows: dict[tuple[int, str], PoisonWindow] = {}

    async def check(
        self, partition: int, records: Sequence[Record], dead_letters: Sequence[tuple[Record, DeadLetter]]
    ) -> None:
        """Count a partition's next batch and its dead letters. Raises HeldAnew when a tenant was held."""
        watched = {tenant for at, tenant in self._windows if at == partition}
        watched |= {self._tenancy.of_record(record) for record, found in dead_letters if found.reason != TENANT_HELD}
        if not watched:
            return
        held = {found.offset for _, found in dead_letters if found.reason == TENANT_HELD}
        counted = [record for record in records if record.offset not in held]
        offsets_of, reasons = self._offsets(partition, counted), self._reasons(dead_letters)
        for tenant in sorted(watched):
            verdict = self._take(partition, tenant, offsets_of[tenant], reasons)
            if verdict is not None:
                await self._hold(tenant, partition, verdict.last_offset, _said(verdict))
                raise HeldAnew

    def drop(self, partitions: frozenset[int]) -> None:
        """Drop the counts of partitions that went to another worker."""
        self._windows = {key: window for key, window in self._windows.items() if key[0] not in partitions}

    @property
    def share(self) -> float:
        """The largest share of bad records in any window, from 0 to 1."""
        return max((window.share for window in self._windows.values()), default=0.0)

    def _offsets(self, partition: int, records: Sequence[Record]) -> defaultdict[str, list[int]]:
        """Of the records that count, by tenant."""
        news_from = self._news_from(partition)
        offsets_of: defaultdict[str, list[int]] = defaultdict(list)
        for record in records:
            if record.offset >= news_from:
                offsets_of[self._tenancy.of_record(record)].append(record.offset)
        return offsets_of

    def _take(self, partition: int, tenant: str, offsets: Sequence[int], reasons: dict[int, str]) -> Verdict | None:
        """Count a tenant's records, from its first bad one on. Those of a batch that is processed again count once."""
        limits, window = self._limits_of(tenant), self._windows.get((partition, tenant))
        counted_to = 0 if window is None else window.next_offset
        new = [offset for offset in offsets if offset >= counted_to]
        if window is None:
            new = list(dropwhile(lambda offset: offset not in reasons, new))
        if limits.off or not new:
            return None
        window = self._windows.setdefault((partition, tenant), PoisonWindow(limits, new[0]))
        bad = [Bad(index, offset, reasons[offset]) for index, offset in enumerate(new) if offset in reasons]
        verdict = window.take(len(new), bad, new[-1] + 1)
        if verdict is not None:
            self._windows[partition, tenant] = PoisonWindow(limits, verdict.last_offset)
        elif window.is_clear:
            del self._windows[partition, tenant]
        return verdict

    def _reasons(self, dead_letters: Sequence[tuple[Record, DeadLetter]]) -> dict[int, str]:
        """Why records are bad, by offset. Those that were sent back count as good: somebody asked for them; batches
        that nobody can unpack prove no tenant, and are never held.
        """
        reasons: dict[int, str] = {}
        for record, dead_letter in dead_letters:
            if dead_letter.reason not in _NOT_COUNTED and not self._was_sent_back(record):
                reasons.setdefault(dead_letter.offset, dead_letter.reason)
        return reasons

    def _was_sent_back(self, record: Record) -> bool:
        return any(name == REINSERTED_HEADER for name, _ in record.headers) and self._authentic(record)


def _said(verdict: Verdict) -> str:
    reasons = ", ".join(f"{reason} ({count})" for reason, count in verdict.reasons[:_MOST_REASONS])
    return f"{verdict.bad} of its last {verdict.records} records cannot be read: {reasons}"
