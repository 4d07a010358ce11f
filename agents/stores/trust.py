"""Whether a local store still is what its changelog says, asked at the start, before the worker joins its group.

What is doubtful is dropped, with a warning, and restored from the changelog: a store is only a cache of it.
"""

import logging
import time
from typing import Final
from uuid import uuid4

from confluent_kafka import KafkaException, TopicCollection

from agents.kafka.clients import open_admin
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.mock import is_mock
from agents.kafka.reader import TopicReader
from agents.stores.partition import StoreCheckpoint, record_checksum
from agents.stores.rocksdb import RocksRows

TRUSTED_FOR_S: Final = 12 * 3600.0
"""Half of Kafka's default `delete.retention.ms`: until then every deletion that we missed is still on the changelog."""
_log = logging.getLogger(__name__)


def drop_what_is_doubtful(store: RocksRows, broker: str, changelog: str, timeout_s: float) -> None:
    """Drop rows that the changelog disowns. Blocks. Raises BrokerUnavailable, and what the store raises."""
    try:
        log, former = identity(broker, changelog, timeout_s), store.log
        if former not in (None, log):
            _log.warning("The local store is of another changelog than %s: its rows are dropped", changelog)
        store.adopt(log)
        _drop_disowned(store, broker, changelog, timeout_s)
        if not store.notes():
            level = logging.INFO if former is None else logging.WARNING
            _log.log(level, "The local store is empty: all rows are restored from %s", changelog)
    except (KafkaException, TimeoutError, BrokerUnavailable) as error:
        raise BrokerUnavailable(
            f"{changelog} at {broker} could not be compared with the local store: {error}"
        ) from error


def identity(broker: str, changelog: str, timeout_s: float) -> str:
    """A name that no other topic has, be it one of the same name. The embedded broker has no topic ids."""
    admin = open_admin(broker)
    cluster = admin.list_topics(changelog, timeout=timeout_s)
    cluster_id = cluster.cluster_id or ""
    if is_mock(cluster):
        return f"{cluster_id}/{changelog}"
    described = admin.describe_topics(TopicCollection([changelog]), request_timeout=timeout_s)
    return f"{cluster_id}/{changelog}/{described[changelog].result(timeout_s + 1).topic_id}"


def _drop_disowned(store: RocksRows, broker: str, changelog: str, timeout_s: float) -> None:
    with TopicReader(broker, changelog, f"skillstream-store-{uuid4().hex}", timeout_s) as reader:  # of no group
        for partition, checkpoint in store.notes().items():
            if (why := _disowned(reader, partition, checkpoint)) is not None:
                _log.warning("Local rows of partition %d are dropped, %s restores them: %s", partition, changelog, why)
                store.drop_partition(partition)


def _disowned(reader: TopicReader, partition: int, checkpoint: StoreCheckpoint) -> str | None:
    """Why these rows are not those of the changelog as it is now; None if they are."""
    if checkpoint.applied < 0:
        return "they were never complete"
    if time.time() - checkpoint.saved_s > TRUSTED_FOR_S:
        return "they are so old that deletions may have left the changelog since"
    start, end = reader.span(partition)
    if start > 0:
        return f"the changelog begins at offset {start}, so it was cut off in front"
    if end <= checkpoint.highest:
        return f"the changelog ends at {end}, but they hold offset {checkpoint.highest}: it was emptied or lost records"
    stands = reader.at({partition: checkpoint.applied}).get(partition)  # none where it was compacted away
    if stands is not None and record_checksum(_Read(stands.key(), stands.value())) != checkpoint.checksum:
        return f"another record stands at offset {checkpoint.applied} of the changelog"
    return None


class _Read:
    """A message, as a LogRecord."""

    def __init__(self, key: bytes | None, value: bytes | None) -> None:
        self.key = key
        self.value = value
