"""Secrets are looked at again while the program runs: what was rotated is used from the next call or connection on."""

import asyncio
import logging
from collections.abc import Callable, Collection, Iterable

from agents.display.plain import plain
from agents.secrets.errors import SecretsUnavailable, SecretUnusable
from agents.secrets.secret import HeldSecret

_log = logging.getLogger(__name__)


class Rotation:
    """Looks at each of `held`, and tells `on_rotated` which settings have another secret. Those of `used_at_start` are
    used by nobody before the next start, and said to be.

    What cannot be read stays what it was: one log line says so, another when it can be read again.
    """

    def __init__(
        self,
        held: Iterable[HeldSecret],
        on_rotated: Callable[[frozenset[str]], None],
        used_at_start: Collection[str] = (),
    ) -> None:
        self._held = tuple(held)
        self._on_rotated = on_rotated
        self._used_at_start = frozenset(used_at_start)
        self._unread: set[str] = set()

    async def watch(self, every_s: float) -> None:
        """Look again and again until cancelled; returns at once where nothing can be rotated."""
        while self._held:
            await asyncio.sleep(every_s)
            await asyncio.to_thread(self.look)

    def look(self) -> frozenset[str]:
        """Look at all, once; the settings that have another secret now. Blocks."""
        others = [held for held in self._held if self._is_another(held)]
        for held in others:
            when = "start" if held.name in self._used_at_start else "call or connection"
            _log.info("%s was rotated: it is used from the next %s on", held.variable, when)
        rotated = frozenset(held.name for held in others)
        if rotated:
            self._on_rotated(rotated)
        return rotated

    def _is_another(self, held: HeldSecret) -> bool:
        try:
            is_another = held.look()
        except (SecretUnusable, SecretsUnavailable) as error:
            if held.variable not in self._unread:
                self._unread.add(held.variable)
                _log.warning("%s: what was read before stays in use", plain(str(error)))
            return False
        if held.variable in self._unread:
            self._unread.remove(held.variable)
            _log.info("%s can be read again", held.variable)
        return is_another
