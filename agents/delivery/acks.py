"""Which offset of a partition may be committed.

Batches are opened in the order of their offsets and acknowledged in any order; the commit position moves only
over a contiguous head of acknowledged batches:

    opened        [0..9] [10..19] [25..30]        (20-24 compacted away, or markers of a transaction)
    acknowledged     x               x
    committable         10                        after [10..19] too: 31

A seek or a revocation abandons the ledger and starts another, and a batch belongs to the ledger that opened
it, so a late acknowledgement can never mark a range that was fetched again.
"""

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class AckRange:
    """The offsets of one delivered batch, both ends included. Compared by identity."""

    first: int
    last: int
    acked: bool = False


@dataclass(slots=True, eq=False)
class AckLedger:
    """The acknowledgements of one partition since its last seek.

    `position` is the next offset to deliver, None until the first batch when it isn't known; `committed` is
    what the broker is known to hold. Nothing here blocks.
    """

    position: int | None = None
    committed: int | None = None
    _acked_to: int | None = None
    _open: deque[AckRange] = field(default_factory=deque)

    def open(self, first: int, last: int) -> AckRange:
        """Hand out the range [first, last].

        Raises ValueError when it isn't beyond all that was opened before.
        """
        if last < first or (self.position is not None and first < self.position):
            raise ValueError(f"range {first}..{last} doesn't follow position {self.position}")
        opened = AckRange(first, last)
        self._open.append(opened)
        self.position = last + 1
        return opened

    def ack(self, acked: AckRange) -> None:
        """Mark a range done. Idempotent; a range of another ledger changes nothing here."""
        acked.acked = True
        while self._open and self._open[0].acked:
            self._acked_to = self._open.popleft().last + 1

    def committable(self) -> int | None:
        """The offset to commit (the next one to read after a restart), or None if there's nothing new.

        Asking changes nothing: a commit that the broker rejected is offered again.
        """
        if self._acked_to is None or (self.committed is not None and self._acked_to <= self.committed):
            return None
        return self._acked_to

    def confirm(self, offset: int) -> None:
        """Record that the broker accepted the commit of `offset`. Never moves back."""
        self.committed = offset if self.committed is None else max(self.committed, offset)

    @property
    def open_ranges(self) -> int:
        """Ranges that the commit position hasn't passed."""
        return len(self._open)
