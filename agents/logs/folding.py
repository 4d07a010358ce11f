"""Folds records that repeat: the first of a kind is written, the others are counted. Opens and writes nothing.

    time      0 s   1 s  2 s  …  59 s        60 s                       120 s
    records   A     A    A       A           A                          (none since)
    written   A                              "A (4 more like this …)"   the kind is erased: the next A is news

A kind is a logger, a level, a message's template (what the arguments say differs with each record) and the type of its
exception.
"""

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import monotonic
from typing import Final

RepeatKey = tuple[str, int, str]

_TEMPLATE_CHARS: Final = 160
_DIGITS: Final = re.compile(r"\d+")
_REST: Final = ""
"""Stands for all templates of a library beyond the kinds that are told apart."""


@dataclass(slots=True)
class _Fold:
    text: str
    since_s: float
    left_out: int = 0


class Folds:
    """The kinds of records seen lately. Not thread-safe: its handler has a lock.

    Kinds beyond `most_kinds` are folded by library and level alone, so that neither memory nor lines grow with them.
    """

    def __init__(self, window_s: float = 60.0, most_kinds: int = 256, clock_s: Callable[[], float] = monotonic) -> None:
        self._window_s = window_s
        self._most_kinds = most_kinds
        self._clock_s = clock_s
        self._folds: dict[RepeatKey, _Fold] = {}
        self._due_s = float("inf")

    def is_news(self, record: logging.LogRecord) -> bool:
        """Whether to write the record: the first of its kind within the window. One that is not is counted."""
        kind = self._kind(record)
        fold = self._folds.get(kind)
        if fold is not None:
            fold.left_out += 1
            return False
        now_s = self._clock_s()
        self._folds[kind] = _Fold(_text(record), now_s)
        self._due_s = min(self._due_s, now_s + self._window_s)
        return True

    def due(self) -> Iterator[logging.LogRecord]:
        """A record for each kind that was counted for a whole window; kinds that did not come again are dropped."""
        now_s = self._clock_s()
        if now_s < self._due_s:
            return
        over = [kind for kind, fold in self._folds.items() if now_s - fold.since_s >= self._window_s]
        yield from self._end(over, now_s)
        self._due_s = min((fold.since_s for fold in self._folds.values()), default=float("inf")) + self._window_s

    def flush(self) -> Iterator[logging.LogRecord]:
        """A record for each kind that was counted, however long; to be called at the end."""
        yield from self._end(list(self._folds), self._clock_s())

    def _end(self, kinds: list[RepeatKey], now_s: float) -> Iterator[logging.LogRecord]:
        for kind in kinds:
            fold = self._folds[kind]
            if not fold.left_out:
                del self._folds[kind]
                continue
            yield _summary(kind, fold, now_s)
            fold.since_s, fold.left_out = now_s, 0

    def _kind(self, record: logging.LogRecord) -> RepeatKey:
        template = _text(record) if record.msg == "%s" else str(record.msg)
        error = record.exc_info[0] if record.exc_info else None
        shape = _DIGITS.sub("#", template[:_TEMPLATE_CHARS])
        kind = record.name, record.levelno, f"{shape} {error.__name__}" if error else shape
        if kind in self._folds or len(self._folds) < self._most_kinds:
            return kind
        return record.name.partition(".")[0], record.levelno, _REST


def _text(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # of the arguments' own making, which are a library's
        return str(record.msg)


def _summary(kind: RepeatKey, fold: _Fold, now_s: float) -> logging.LogRecord:
    logger, level, template = kind
    lasted_s = now_s - fold.since_s
    like = "like this" if template != _REST else "of other kinds"
    message = "%s (%d more %s in %.0f s)"
    summary = logging.LogRecord(logger, level, "", 0, message, (fold.text, fold.left_out, like, lasted_s), None)
    summary.repeated = fold.left_out
    return summary
