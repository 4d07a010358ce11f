"""Shards as records of `norm-shards`, and back.

The topic is compacted, so pieces of a longer, older shard may stay behind those of a shorter: they are passed over.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple, Protocol

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.followed import FollowedTopic
from agents.norms.snapshot_log import require_readable_size
from agents.norms.topic import NORMS_PARTITION
from streams.norms.pieces import Piece, Pieces, pieces_of
from streams.norms.sealed import NormsUnreadable
from streams.norms.shard import NormShard
from streams.replay import FileRecord

_KEY: Final = re.compile(rb"([A-Za-z0-9._-]{1,200})/(\d{1,5})/(\d{1,2})")


class ShardPosition(NamedTuple):
    """Which of a partition's shards: that of the highest counts."""

    epoch: int
    offset: int


BEFORE_ALL: Final = ShardPosition(-1, -1)


class ShardSource(Protocol):
    """Where shards are read: ShardTopic."""

    name: str

    def rewind(self, last: int | None = None) -> None: ...
    def read_on(self) -> Sequence[FileRecord]: ...


class ShardTopic(FollowedTopic):
    """See FollowedTopic. Implements ShardSource. Of two threads at a time, one that reads and one that writes."""

    def __init__(self, settings: Settings) -> None:
        name = Channels.of(settings).norm_shards
        super().__init__(settings.broker, settings.app_id, name, settings.start_timeout_s, NORMS_PARTITION)
        self._app_id = settings.app_id

    def send(self, shard: NormShard) -> None:
        """Append it, and wait until the broker has confirmed it. Raises BrokerUnavailable, and NormsUnreadable for one
        that nobody would read.
        """
        self.append_all(NORMS_PARTITION, shard_records(shard, self._app_id))


def position_of(shard: NormShard) -> ShardPosition:
    """Which of its partition's it is."""
    return ShardPosition(shard.epoch, shard.offset)


def shard_records(shard: NormShard, app_id: str) -> list[tuple[bytes, bytes]]:
    """Keys and values, as they are written. Raises NormsUnreadable where it is too large to be read again."""
    pieces = pieces_of(require_readable_size(shard.encode()))
    return [(f"{app_id}/{shard.partition}/{piece.number}".encode(), piece.encode()) for piece in pieces]


class ShardLog:
    """The newest whole shard of each of an app's `partitions`, as far as the topic was read."""

    def __init__(self, app_id: str, partitions: int) -> None:
        self.shards: dict[int, NormShard] = {}
        self._app_id = app_id
        self._pieces = {partition: Pieces() for partition in range(partitions)}

    def note_all(self, records: Sequence[FileRecord]) -> Iterator[NormsUnreadable]:
        """Take in what was written; why some of it is of no use."""
        for record in records:
            try:
                self._note(record)
            except NormsUnreadable as error:
                yield error

    def _note(self, record: FileRecord) -> None:
        found = _KEY.fullmatch(record.key or b"")
        if found is None or record.value is None:
            raise NormsUnreadable("damaged", f"record {record.offset} is no piece of a shard")
        partition = int(found[2])
        if found[1].decode() != self._app_id or partition not in self._pieces:
            return  # of another app that has the same topics
        if (sealed := self._pieces[partition].put(Piece.decode(record.value))) is None:
            return
        shard = NormShard.decode(sealed)
        if shard.partition != partition:
            raise NormsUnreadable("damaged", f"a shard of partition {shard.partition} in the place of {partition}'s")
        held = self.shards.get(partition)
        if held is None or position_of(shard) > position_of(held):
            self.shards[partition] = shard
