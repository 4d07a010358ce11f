"""Standard error, for what is printed there past logging."""

import io
import logging
import threading


class Printed(io.TextIOBase):
    """A stream whose lines are logged, as warnings of `stderr`. A line that is not ended is kept until it is."""

    def __init__(self) -> None:
        super().__init__()
        self._log = logging.getLogger("stderr")
        self._rest = ""
        self._turn = threading.Lock()

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Log the lines that end in `text`."""
        with self._turn:
            *whole, self._rest = (self._rest + text).split("\n")
        for line in whole:
            if line.strip():
                self._log.warning("%s", line)
        return len(text)
