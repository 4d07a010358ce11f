"""What is not HTTP, or too long for it: counted, and no traceback of the parser's in the log for anybody to fill."""

import logging
from collections.abc import Callable

from aiohttp.http_exceptions import HttpProcessingError


class MalformedRequests(logging.Filter):
    """For aiohttp's log of requests; `refused` hears of each that could not be read."""

    def __init__(self, refused: Callable[[], object]) -> None:
        super().__init__()
        self._refused = refused

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether the record is of something else."""
        error = record.exc_info[1] if record.exc_info else None
        if not isinstance(error, HttpProcessingError):
            return True
        self._refused()
        return False
