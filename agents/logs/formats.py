"""A record as a line: text for people, or one JSON object."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal

import orjson

from agents.display.plain import plain

Format = Literal["text", "json"]

_MOST_CHARS: Final = 16_384
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class TextLines(logging.Formatter):
    """Time (local), level, logger, message; a traceback follows on lines of its own."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        """See the class; a traceback is cut at 16,384 characters."""
        return _cut(super().format(record))


class JsonLines(logging.Formatter):
    """`time` (ISO 8601, UTC), `level`, `logger`, `message`, `exception` if there is one, and what the record has more.

    More is what a call gave as `extra`. Values that JSON has no type for are written as text.
    """

    def format(self, record: logging.LogRecord) -> str:
        """See the class; a traceback is cut at 16,384 characters."""
        return orjson.dumps(dict(self._fields(record)), default=_text, option=orjson.OPT_NON_STR_KEYS).decode()

    def _fields(self, record: logging.LogRecord) -> Iterator[tuple[str, Any]]:
        time = datetime.fromtimestamp(record.created, UTC)
        yield "time", time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        yield "level", record.levelname.lower()
        yield "logger", record.name
        yield "message", record.getMessage()
        for name, value in vars(record).items():
            if name not in _STANDARD:
                yield name, _text(value) if isinstance(value, str) else value
        text = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else None)
        if text:
            yield "exception", _cut(text)


def lines(form: Format) -> logging.Formatter:
    """The formatter of that name."""
    return JsonLines() if form == "json" else TextLines()


def _text(value: object) -> str:
    return plain(str(value))


def _cut(text: str) -> str:
    left_out = len(text) - _MOST_CHARS
    return text if left_out <= 0 else f"{text[:_MOST_CHARS]}… ({left_out} more characters)"
