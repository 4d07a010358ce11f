"""How far replays have come in each partition of the dead letters.

A replay's positions are records of a compacted topic, sent in the same transaction as what it reinserts; beside them
the consumer group's offsets move, for everybody's tools to see. Kafka forgets the offsets of an idle group after a week
(`offsets.retention.minutes`), while dead letters stay for months: then the positions on the topic decide. Where the
group's offset is there and is another, somebody has reset it on purpose, and it counts.
"""

from collections.abc import Mapping
from typing import Final, NamedTuple

import msgspec
from msgspec import Struct, field

from agents.kafka.reader import TopicReader
from agents.operations.dead_letters.stored import StoredDeadLetter
from schemas.errors import Fatal

POSITION_VERSION: Final = 1
_ALL_PARTS: Final = (1 << 63) - 1


class PositionBeyondEnd(Fatal):
    """A replay had come further than the dead letters now go."""


class RecordPart(NamedTuple):
    """What a dead letter is about: a record of the activity topic, and the first of its parts.

    Marks of older versions say no part: they took all letters of a record for repeats of its first.
    """

    epoch: int
    offset: int
    part: int = _ALL_PARTS


class ReplayPosition(Struct, kw_only=True):
    """All before `next` is done, and of each of `reasons` all before its offset.

    `seen_to` is the furthest place that the dead letters before `next` are about: a later letter about a place up to
    there is a repeat, sent again by a worker that was restarted.
    """

    next: int
    seen_to: RecordPart | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    version: int = POSITION_VERSION

    def is_done(self, stored: StoredDeadLetter) -> bool:
        """Whether a replay of its reason alone has dealt with it."""
        return stored.offset < self.reasons.get(stored.reason, 0)


def encode_position(position: ReplayPosition) -> bytes:
    """A position's value on the topic, without reasons that `next` has passed."""
    ahead = {reason: offset for reason, offset in position.reasons.items() if offset > position.next}
    return msgspec.json.encode(msgspec.structs.replace(position, reasons=ahead))


def read_positions(reader: TopicReader) -> dict[int, ReplayPosition]:
    """The last position of each partition. Raises Fatal for one that this version cannot read."""
    replayed: dict[int, ReplayPosition] = {}
    for partition, (start, end) in reader.spans().items():
        for message in reader.read(partition, start, end):
            try:
                replayed[partition] = msgspec.json.decode(message.value() or b"", type=ReplayPosition)
            except msgspec.MsgspecError as error:
                where = f"{reader.topic}/{partition}@{message.offset()}"
                raise Fatal(f"{where} is not the position of a replay: {error}") from None
            if replayed[partition].version != POSITION_VERSION:
                raise Fatal(f"{reader.topic}/{partition} holds positions of a newer skillstream")
    return replayed


def positions(
    spans: Mapping[int, tuple[int, int]], committed: Mapping[int, int | None], replayed: Mapping[int, ReplayPosition]
) -> dict[int, ReplayPosition]:
    """Where each partition is to be read on. Raises PositionBeyondEnd. What retention took away is passed over."""
    found = {}
    for partition, (start, end) in spans.items():
        offset, position = committed.get(partition), replayed.get(partition)
        if offset is not None and (position is None or position.next != offset):
            position = ReplayPosition(next=offset)
        else:
            position = position or ReplayPosition(next=start)
        if position.next > end:
            raise PositionBeyondEnd(
                f"dead letters were replayed up to {partition}@{position.next}, but now end at {end}: was the topic "
                "recreated? Set the group's offset with kafka-consumer-groups --reset-offsets to say where to go on"
            )
        position.next = max(position.next, start)
        found[partition] = position
    return found
