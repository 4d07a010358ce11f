"""Names that no table knows, as producers write them: for whoever is to map them, not for a metric's label.

A bounded number is kept. A new name takes the place of the rarest, the longest unseen among the equally rare, and
inherits its count (Metwally et al., Efficient Computation of Frequent and Top-k Elements in Data Streams, 2005): so
what is frequent stays, and what is new is seen. What looks like an address of mail is shortened before it is kept.
"""

import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from agents.display.plain import printable

_NAME_CHARS: Final = 160
_MAIL: Final = re.compile(r"(?i)([^\s:/?#&=@]?)[^\s:/?#&=@]*(@|%40)(?=[^\s@])")


@dataclass(slots=True)
class _Seen:
    events: int
    at_least: int
    last_s: float


class SeenNames:
    """The most frequent and the newest names, at most `limit`. Not more than `limit` new ones are taken of a batch."""

    def __init__(self, limit: int, on_drop: Callable[[], None], clock_s: Callable[[], float] = time.time) -> None:
        self._limit = limit
        self._on_drop = on_drop
        self._clock_s = clock_s
        self._names: dict[tuple[str, str], _Seen] = {}

    def add(self, unknown: Counter[tuple[str, str]]) -> None:
        """Note what a batch held, by (dialect, name)."""
        now_s = self._clock_s()
        for (dialect, name), events in unknown.most_common(self._limit):
            key = dialect, shortened(name)
            known = self._names.get(key)
            if known is not None:
                known.events += events
                known.at_least += events
                known.last_s = now_s
                continue
            inherited = self._make_room()
            self._names[key] = _Seen(inherited + events, events, now_s)

    def listed(self) -> list[dict[str, Any]]:
        """The names, most frequent first; `events` is at most too high by what `at_least` leaves."""
        by_count = sorted(self._names.items(), key=lambda item: (-item[1].events, item[0]))
        return [
            {
                "dialect": dialect,
                "name": name,
                "events": seen.events,
                "at_least": seen.at_least,
                "last_seen": datetime.fromtimestamp(seen.last_s, UTC).isoformat(timespec="seconds"),
            }
            for (dialect, name), seen in by_count
        ]

    def _make_room(self) -> int:
        """The count that a new name inherits."""
        if len(self._names) < self._limit:
            return 0
        rarest = min(self._names, key=lambda key: (self._names[key].events, self._names[key].last_s))
        self._on_drop()
        return self._names.pop(rarest).events


def shortened(name: str) -> str:
    """A name as it is kept and shown: of a mail address only the first letter and the domain, escaped, cut."""
    safe = printable(_MAIL.sub(r"\1…\2", name))
    return safe if len(safe) <= _NAME_CHARS else f"{safe[:_NAME_CHARS]}…"
