"""Records as they leave aiokafka's fetcher: a tuple of what is used, instead of a dataclass of eleven fields.

Private parts of aiokafka 0.14 that are replaced: `consumer.fetcher.PartitionRecords`, by a subclass whose only change
is `_consumer_record`. CRCs, aborted transactions, markers and compacted offsets stay aiokafka's own work. Where the
private part isn't there any more, its records are taken as they are: `Record` is all that is asked of them.
"""

import logging
from typing import Any, NamedTuple

from aiokafka.consumer import fetcher

logger = logging.getLogger(__name__)


class SlimRecord(NamedTuple):
    """A consumed record; `timestamp` in ms."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    timestamp_type: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...]


_new = tuple.__new__


class SlimRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """A fetched partition, unpacked to SlimRecord. It has no deserializers: Faust sets none."""

    def _consumer_record(self, tp: Any, record: Any) -> SlimRecord:
        # Not SlimRecord(...): checking the arguments' names would take longer than all the rest.
        return _new(
            SlimRecord,
            (
                tp.topic,
                tp.partition,
                record.offset,
                record.timestamp,
                record.timestamp_type,
                record.key,
                record.value,
                tuple(record.headers),
            ),
        )


def slim_records() -> bool:
    """Let every fetcher of this process unpack to SlimRecord; False where aiokafka has no place for it. Idempotent."""
    if not hasattr(fetcher.PartitionRecords, "_consumer_record"):
        logger.warning("aiokafka unpacks records in another way than it used to: they are read more slowly")
        return False
    fetcher.PartitionRecords = SlimRecords
    return True
