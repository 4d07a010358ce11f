"""One partition over time: what its samples say now."""

from agents.health.lag.history import EndHistory
from agents.health.lag.status import LagSample, LagStatus, LagWindow
from agents.kafka.offsets import Offsets


class PartitionTrack:
    """Fed by `note` with each sample, in the order of time; `window_s` is the span that the status looks at."""

    def __init__(self, window_s: float) -> None:
        self._history = EndHistory()
        self._window = LagWindow(window_s)
        self._last: LagSample | None = None

    def note(self, now_s: float, at: Offsets) -> None:
        """The broker's offsets of now."""
        self._history.note(now_s, at.end, at.next_offset)

    def settle(self, now_s: float, at: Offsets, records: int) -> None:
        """How many records wait, of those same offsets: `records` of `at.lag_records` can be read. After `note`."""
        self._last = LagSample(now_s, at.next_offset, records)
        self._window.note(self._last)

    def is_dated(self, offset: int) -> bool:
        """Whether samples say when the record at `offset` came: else it should be asked, and told to `date`."""
        return self._history.is_sampled(offset)

    def date(self, now_s: float, offset: int, age_s: float) -> None:
        """The record at `offset` says of itself how old it is."""
        self._history.seed(now_s, offset, age_s)

    def seconds(self, now_s: float) -> float | None:
        """For how long the oldest record that waits has waited; None where nothing tells."""
        if self._last is None:
            return None
        return 0.0 if self._last.records == 0 else self._history.waited_s(now_s, self._last.offset)

    def status(self, *, is_owned: bool | None) -> LagStatus | None:
        """See status_of."""
        return self._window.status(is_owned=is_owned)

    def growth_per_s(self) -> float | None:
        """See LagWindow."""
        return self._window.growth_per_s()
