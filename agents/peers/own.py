"""What this worker announces of itself."""

import socket
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

from agents.config.addresses import pages_url
from agents.config.settings import Settings
from schemas.announcement import ANNOUNCEMENT_VERSION, WorkerAnnouncement

Owned = tuple[frozenset[int], bool]
"""The partitions that are owned, and whether their rows are restored."""
_ANY_ADDRESS: Final = frozenset({"", "0.0.0.0", "::", "[::]"})


class OwnWorker:
    """`state` tells what it owns, `url` where its pages are, by the port that they are served at: `pages_port`, once
    they are. `url` may block.
    """

    def __init__(
        self,
        instance: str,
        url: Callable[[int], str],
        state: Callable[[], Owned],
        interval_s: float,
        now: Callable[[], datetime],
    ) -> None:
        self.instance = instance
        self.interval_s = interval_s
        self.pages_port = 0
        self._find_url, self._state, self._now = url, state, now
        self._url = ""
        self._started = self._since = now()
        self._program = version("skillstream")
        self._owned: Owned = (frozenset(), False)

    def state(self) -> Owned:
        """What it owns; notes since when."""
        found = self._state()
        if found[0] != self._owned[0]:
            self._since = self._now()
        self._owned = found
        return found

    def find_url(self) -> None:
        """Look where its pages are now. Blocks: the broker's name may be looked up."""
        self._url = self._find_url(self.pages_port)

    def announcement(self) -> WorkerAnnouncement:
        """As of now; with the address that was found last."""
        partitions, ready = self.state()
        return WorkerAnnouncement(
            version=ANNOUNCEMENT_VERSION,
            instance=self.instance,
            url=self._url,
            program=self._program,
            started=self._started,
            at=self._now(),
            interval_s=self.interval_s,
            ready=ready,
            partitions=tuple(sorted(partitions)),
            since=self._since,
        )


def advertised_url(settings: Settings, port: int) -> str:
    """Where others reach the pages that are served at `port`: as it is set, else the address that they are served at;
    where that is any, the one under which this machine reaches the broker.
    """
    if settings.advertised_url is not None:
        return settings.advertised_url.rstrip("/")
    host = settings.web_host
    if host in _ANY_ADDRESS:
        host = _address_towards(settings.broker)
    return pages_url(host, port, encrypted=settings.web_certificate is not None)


def named_in(url: str | None) -> list[str]:
    """The host of an address that is set, as the name that the pages are asked for by."""
    host = urlsplit(url or "").hostname
    return [] if host is None else [host]


def _address_towards(broker: str) -> str:
    """This machine's address on the way to the broker; its name where there is no way. Sends nothing."""
    first = urlsplit(f"//{broker.partition(',')[0].strip()}")
    try:
        family, kind, _, _, address = socket.getaddrinfo(first.hostname, first.port or 9092, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(address)
            return str(probe.getsockname()[0])
    except OSError:
        return socket.gethostname()
