"""The topic `skillstream-workers` of a deployment: only what a worker of it has signed counts. Blocks."""

from collections.abc import Callable, Sequence
from threading import Lock
from typing import Final, Protocol

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.followed import FollowedTopic
from streams.input.signature import Authentic, Sign
from streams.replay import FileRecord

ANNOUNCEMENT_PARTITION: Final = 0
_TIMEOUT_S: Final = 5.0


class AnnouncementLog(Protocol):
    """Where announcements are written and read: WorkersTopic."""

    def read_on(self) -> Sequence[FileRecord]:
        """What was announced since the last reading, in order. Raises NoSuchTopic, TopicStartedAnew,
        BrokerUnavailable, TopicForbidden, DamagedBatch.
        """
        ...

    def announce(self, instance: str, value: bytes | None) -> None:
        """Append an announcement, or that the instance has left; returns when it is confirmed. Raises
        BrokerUnavailable.
        """
        ...

    def close(self) -> None:
        """Let go of the clients."""
        ...


class WorkersTopic(FollowedTopic):
    """Implements AnnouncementLog. From any thread: of several calls one waits for the other.

    An announcement says where callers' tokens are sent: so what is not `authentic` is passed over, and `on_forged` is
    called for it.
    """

    def __init__(
        self,
        settings: Settings,
        sign: Sign,
        authentic: Authentic,
        on_forged: Callable[[], object] = lambda: None,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        name = Channels.of(settings).workers
        super().__init__(settings.broker, settings.app_id, name, timeout_s, ANNOUNCEMENT_PARTITION)
        self._sign, self._authentic, self._on_forged = sign, authentic, on_forged
        self._reading, self._writing = Lock(), Lock()

    def read_on(self) -> list[FileRecord]:
        """See AnnouncementLog."""
        with self._reading:
            return [record for record in super().read_on() if self._is_ours(record)]

    def announce(self, instance: str, value: bytes | None) -> None:
        """See AnnouncementLog."""
        key = instance.encode()
        with self._writing:
            headers = self._sign(self.name, ANNOUNCEMENT_PARTITION, key, value, ())
            self.append(ANNOUNCEMENT_PARTITION, key, value, headers)

    def _is_ours(self, record: FileRecord) -> bool:
        if self._authentic(record):
            return True
        self._on_forged()
        return False
