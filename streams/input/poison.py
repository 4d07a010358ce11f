"""When are there too many dead letters? A bad deploy of a producer must stop the worker, not be drained.

One `PoisonWindow` a partition looks back over the last `window_records` records. It is asked at each bad record, so
the same record stops the worker however records are cut into batches:

    records   . . x . x x x x x x        x: became a dead letter
              └── window ───────┘
                                └ stop here, if the x in a full window are more than max_ratio of it,
                                  or if the x at its end are more than max_consecutive in a row

Nothing is kept on disk. Nothing of the batch that stops the worker was sent, so a restart reads it again; what was
before that batch is told to the new window by its dead letters (`recall`). They give offsets, not records: where
transactional producers leave gaps in the offsets, a recalled window holds a little fewer bad records than were there.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PoisonLimits:
    """`max_ratio` of the last `window_records` may be bad (1: all may), `max_consecutive` in a row (0: any number).

    Before a partition has `window_records`, only the second counts.
    """

    max_ratio: float = 0.5
    window_records: int = 1_000
    max_consecutive: int = 1_000

    @property
    def off(self) -> bool:
        """Whether nothing is ever too much."""
        return self.max_ratio >= 1 and not self.max_consecutive

    @property
    def span_records(self) -> int:
        """How far back a window must know its partition."""
        return max(self.window_records, self.max_consecutive + 1)


@dataclass(frozen=True, slots=True)
class Bad:
    """A record that became a dead letter; `index` is its index among the records taken, from 0."""

    index: int
    offset: int
    reason: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """Too many: `bad` of the last `records`, for `reasons` (most frequent first), from `first_offset` to
    `last_offset`.
    """

    bad: int
    records: int
    reasons: tuple[tuple[str, int], ...]
    first_offset: int
    last_offset: int


class PoisonWindow:
    """The last records of one partition. Memory: one entry a bad record, at most the limits' span of them."""

    def __init__(self, limits: PoisonLimits, first_offset: int) -> None:
        self._limits = limits
        self.first_offset = first_offset
        self._begins = 0  # the earliest record known; those before `first_offset` count below 0
        self._seen = 0
        self._recalled = False
        self._bad: deque[Bad] = deque()
        self._in_window: deque[int] = deque()  # indexes of those among the last `window_records`
        self._in_a_row = 0
        self.next_offset = first_offset

    @property
    def remembered(self) -> int:
        """The bad records that are remembered; at most the limits' span of them."""
        return len(self._bad)

    @property
    def lacks_past(self) -> bool:
        """Whether records before `first_offset` may matter, and are not known."""
        return not self._recalled and min(self.first_offset, self._limits.span_records) > self._seen

    @property
    def share(self) -> float:
        """The bad among the last `window_records`, from 0 to 1; 0 before so many were seen."""
        if self._seen - self._begins < self._limits.window_records:
            return 0.0
        self._slide(self._seen - self._limits.window_records)
        return len(self._in_window) / self._limits.window_records

    @property
    def is_clear(self) -> bool:
        """Whether no bad record matters any more."""
        return not self._bad or self._bad[-1].index < self._seen - self._limits.span_records

    def recall(self, past: Iterable[tuple[int, str]]) -> None:
        """Tell (offset, reason) of the bad before `first_offset`; once, before any bad record is taken."""
        self._recalled = True
        self._begins = -min(self.first_offset, self._limits.span_records)
        for offset, reason in sorted(dict(past).items()):
            if self._begins <= offset - self.first_offset < 0:
                self._add(Bad(offset - self.first_offset, offset, reason))

    def take(self, records: int, bad: Sequence[Bad], next_offset: int) -> Verdict | None:
        """Take the next `records` of the partition, of which `bad` (in order) became dead letters.

        A verdict means that none of them may be applied; the window is of no use after it.
        """
        for one in bad:
            self._add(Bad(self._seen + one.index, one.offset, one.reason))
            verdict = self._breach()
            if verdict is not None:
                return verdict
        self._seen += records
        self.next_offset = next_offset
        return None

    def _add(self, bad: Bad) -> None:
        follows = bool(self._bad) and self._bad[-1].index == bad.index - 1
        self._in_a_row = self._in_a_row + 1 if follows else 1
        self._bad.append(bad)
        while self._bad[0].index <= bad.index - self._limits.span_records:
            self._bad.popleft()
        self._in_window.append(bad.index)
        self._slide(bad.index + 1 - self._limits.window_records)

    def _slide(self, to_index: int) -> None:
        while self._in_window and self._in_window[0] < to_index:
            self._in_window.popleft()

    def _breach(self) -> Verdict | None:
        limits = self._limits
        if limits.max_consecutive and self._in_a_row > limits.max_consecutive:
            return self._verdict(limits.max_consecutive + 1)
        full = self._bad[-1].index + 1 - self._begins >= limits.window_records
        if full and len(self._in_window) > limits.max_ratio * limits.window_records:
            return self._verdict(limits.window_records)
        return None

    def _verdict(self, records: int) -> Verdict:
        within = [bad for bad in self._bad if bad.index > self._bad[-1].index - records]
        reasons = Counter(bad.reason for bad in within).most_common()
        return Verdict(len(within), records, tuple(reasons), within[0].offset, within[-1].offset)
