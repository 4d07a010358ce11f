"""The one handler of a worker's log: what others repeat is folded, and lines a second are bounded.

What is left out is counted, and the count is written: with the next record after a minute, at the latest at the end.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from time import monotonic
from typing import Final, Literal, TextIO

from agents.logs.folding import Folds
from agents.logs.rate import LineRate

LeftOut = Literal["repeated", "over_rate"]

OURS: Final = frozenset({"agents", "schemas", "streams"})
_BURST_S: Final = 10


class LineHandler(logging.StreamHandler[TextIO]):
    """Writes to `stream`. `on_left_out` is called with each line that is not written. Safe from any thread.

    Records of ours are not folded. An error is written, whatever the rate, if it is the first of its kind within the
    window.
    """

    def __init__(
        self,
        stream: TextIO,
        *,
        lines_per_s: float = 20.0,
        window_s: float = 60.0,
        clock_s: Callable[[], float] = monotonic,
    ) -> None:
        super().__init__(stream)
        self._repeats = Folds(window_s, clock_s=clock_s)
        self._errors = Folds(window_s, clock_s=clock_s)
        self._rate = LineRate(lines_per_s, int(lines_per_s * _BURST_S), clock_s)
        self.on_left_out: Callable[[LeftOut], object] = lambda _why: None

    def emit(self, record: logging.LogRecord) -> None:
        """Write it, or count it. Called with the handler's lock held."""
        for summary in self._due():
            super().emit(summary)
        if record.name.partition(".")[0] not in OURS and not self._repeats.is_news(record):
            self.on_left_out("repeated")
        elif not self._rate.admit(always=self._is_new_error(record)):
            self.on_left_out("over_rate")
        else:
            super().emit(record)

    def write_counts(self) -> None:
        """Write the counts of what was left out and is not reported yet."""
        self.acquire()
        try:
            for summary in (*self._repeats.flush(), *_over_rate(self._rate.take_left_out(now=True))):
                super().emit(summary)
        finally:
            self.release()

    def close(self) -> None:
        """Called at the end of the process."""
        self.write_counts()
        super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (the name is logging's)
        """Say which record can't be written. Where even that fails, on a full disk, there is nobody to tell."""
        message = "a log record can't be written: %r"
        said = logging.LogRecord(record.name, logging.ERROR, "", 0, message, (str(record.msg)[:200],), None)
        with suppress(OSError, ValueError):
            self.stream.write(self.format(said) + self.terminator)

    def _is_new_error(self, record: logging.LogRecord) -> bool:
        return record.levelno >= logging.ERROR and self._errors.is_news(record)

    def _due(self) -> Iterator[logging.LogRecord]:
        for _counted_by_the_rate in self._errors.due():
            pass
        yield from self._repeats.due()
        yield from _over_rate(self._rate.take_left_out())


def _over_rate(left_out: int) -> Iterator[logging.LogRecord]:
    if left_out:
        message = "%d lines were left out: there were more than SKILLSTREAM_LOG_LINES_PER_S allows"
        said = logging.LogRecord(__name__, logging.WARNING, "", 0, message, (left_out,), None)
        said.left_out = left_out
        yield said
