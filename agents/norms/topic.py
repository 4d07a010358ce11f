"""The topic `norms` of a deployment. Blocks."""

from collections.abc import Sequence
from typing import Final, Protocol

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.followed import FollowedTopic
from agents.norms.snapshot_log import snapshot_records
from streams.norms.snapshot import NormSnapshot
from streams.replay import FileRecord

NORMS_PARTITION: Final = 0
"""Where all that norms are made of is written; its owner makes them."""


class NormsLog(Protocol):
    """Where snapshots are read: NormsTopic."""

    name: str

    def rewind(self, last: int | None = None) -> None: ...
    def read_on(self) -> Sequence[FileRecord]: ...


class NormsTopic(FollowedTopic):
    """See FollowedTopic. Implements NormsLog."""

    def __init__(self, settings: Settings) -> None:
        name = Channels.of(settings).norms
        super().__init__(settings.broker, settings.app_id, name, settings.start_timeout_s, NORMS_PARTITION)

    def write(self, snapshot: NormSnapshot) -> None:
        """Append it, its manifest last, and wait until the broker has confirmed it. Raises BrokerUnavailable, and
        NormsUnreadable for one that nobody would read.
        """
        self.append_all(NORMS_PARTITION, snapshot_records(snapshot))
