"""Files that are used anew when they hold something else, while the program runs: certificates that were rotated."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

_UNREADABLE: Final[tuple[bytes, ...]] = ()
_log = logging.getLogger(__name__)


class WatchedFiles:
    """`use` takes what the files hold, or raises OSError: then what was used before stays in use, which is said once.

    `settings` is what log lines call the files, `rotated` what they say when others are used. Raises OSError where one
    cannot be read at first.
    """

    def __init__(self, files: Sequence[str], use: Callable[[], None], settings: str, rotated: str) -> None:
        self._files = tuple(files)
        self._use, self._settings, self._rotated = use, settings, rotated
        self._used = self._content()
        self._refused: tuple[bytes, ...] | None = None

    async def watch(self, every_s: float) -> None:
        """Look again and again until cancelled; returns at once where there are no files. `use` is called in the loop's
        thread.
        """
        while self._files:
            await asyncio.sleep(every_s)
            self._take(await asyncio.to_thread(self._read))

    def look(self) -> bool:
        """Whether they hold something else, used from now on. Blocks."""
        return self._take(self._read())

    def _take(self, found: tuple[bytes, ...] | OSError) -> bool:
        if isinstance(found, OSError):
            return self._refuse(_UNREADABLE, found)
        if found in (self._used, self._refused):
            return False
        try:
            self._use()
        except OSError as error:  # ssl's own errors are among them
            return self._refuse(found, error)
        self._used, self._refused = found, None
        _log.info("%s", self._rotated)
        return True

    def _refuse(self, found: tuple[bytes, ...], error: OSError) -> bool:
        if found != self._refused:
            self._refused = found
            _log.warning("%s cannot be used: %s; the former stays in use", self._settings, error.strerror or error)
        return False

    def _read(self) -> tuple[bytes, ...] | OSError:
        try:
            return self._content()
        except OSError as error:
            return error

    def _content(self) -> tuple[bytes, ...]:
        return tuple(Path(file).read_bytes() for file in self._files)
