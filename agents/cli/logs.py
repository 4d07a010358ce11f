"""Logging of the commands: one line a record, to standard error; other programs' chatter from WARNING on.

How many lines, and in which format, is in `agents.logs`. Whatever format, `Redacting` is around it: what is logged
holds no secret, and nothing that acts on a terminal.
"""

import copy
import logging
import sys
import threading
import traceback
from types import TracebackType
from typing import Final

from agents.display.plain import plain, plain_lines
from agents.logs import Format, LineHandler, Printed
from agents.logs.formats import lines

OTHERS: Final = (
    "agents.delivery",
    "faust",
    "mode",
    "aiokafka",
    "httpx",
    "httpx2",
    "openai",
    "asyncio",
    "kafka",
    "uvicorn",
)


class Redacting(logging.Formatter):
    """Formats as `inner` does, which is given the message as one line, and a traceback as `exc_text`."""

    def __init__(self, inner: logging.Formatter) -> None:
        super().__init__()
        self._inner = inner

    def format(self, record: logging.LogRecord) -> str:
        """Leaves `record` itself as it is, for other handlers."""
        shown = copy.copy(record)
        shown.msg, shown.args = plain(_message(record)), ()
        text = record.exc_text or (self.formatException(record.exc_info) if record.exc_info else "")
        shown.exc_info, shown.exc_text = None, plain_lines(text) or None
        shown.stack_info = plain_lines(record.stack_info) if record.stack_info else None
        return self._inner.format(shown)


def log_to_stderr(level: str, form: Format = "text", lines_per_s: float = 20.0) -> LineHandler:
    """Have everything that is logged written by one handler, which is returned; former handlers are removed."""
    handler = LineHandler(sys.stderr, lines_per_s=lines_per_s)
    handler.setFormatter(Redacting(lines(form)))
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in OTHERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
    return handler


def own_stderr(form: Format) -> None:
    """Log what would bypass logging: warnings, exceptions that nothing caught, with JSON also what is printed.

    To be called after `log_to_stderr`, by a command that has the process for itself. What C code writes is out of
    reach: librdkafka is set to be silent, and the interpreter's own dump before an end by force is text.
    """
    logging.captureWarnings(True)
    sys.excepthook = _log_uncaught
    threading.excepthook = lambda failed: _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)
    sys.unraisablehook = lambda failed: _log_uncaught(failed.exc_type, failed.exc_value, failed.exc_traceback)
    if form == "json":
        sys.stderr = Printed()


def redact_tracebacks() -> None:
    """Print exceptions that nothing caught, in any thread, without secrets. Leaves hooks alone that somebody else has
    put there.
    """

    def unraisable(failed: "threading.ExceptHookArgs | sys.UnraisableHookArgs") -> None:
        _print_traceback(failed.exc_type, failed.exc_value, failed.exc_traceback)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = _print_traceback
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = unraisable
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = unraisable


def _print_traceback(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if sys.stderr is not None and not issubclass(kind, SystemExit):
        sys.stderr.write(plain_lines("".join(traceback.format_exception(kind, error, trace))) + "\n")


def _log_uncaught(kind: type[BaseException], error: BaseException | None, trace: TracebackType | None) -> None:
    if not issubclass(kind, SystemExit):
        logging.getLogger("stderr").critical("Uncaught %s", kind.__name__, exc_info=(kind, error or kind(), trace))


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except (TypeError, ValueError):  # the arguments do not fit: logging itself would print them as they are
        return f"{record.msg} (with arguments that do not fit it)"
