"""Whether a local store still is what its changelog says, asked at the start, before the worker joins its group.

What is doubtful is dropped, with a warning, and restored from the changelog: a store is only a cache of it.
"""

import logging
import time
from typing import Final
from uuid import uuid4

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient

from agents.kafka.connection import client_config
from agents.kafka.topics import BrokerUnreachable
from agents.stores.partition import Kept, checksum
from agents.stores.rocksdb import RocksRows

TRUSTED_FOR_S: Final = 12 * 3600.0
"""Half of Kafka's default `delete.retention.ms`: until then every deletion that we missed is still on the changelog."""
_MOCK_CLUSTER_PREFIX: Final = "mockCluster"
_log = logging.getLogger(__name__)


def drop_what_is_doubtful(store: RocksRows, broker: str, changelog: str, timeout_s: float) -> None:
    """Drop rows that the changelog disowns. Blocks. Raises BrokerUnreachable, and what the store raises."""
    try:
        log, former = identity(broker, changelog, timeout_s), store.log
        if former not in (None, log):
            _log.warning("The local store is of another changelog than %s: its rows are dropped", changelog)
        store.adopt(log)
        _drop_disowned(store, broker, changelog, timeout_s)
        if not store.notes():
            level = logging.INFO if former is None else logging.WARNING
            _log.log(level, "The local store is empty: all rows are restored from %s", changelog)
    except (KafkaException, TimeoutError) as error:
        raise BrokerUnreachable(
            f"{changelog} at {broker} could not be compared with the local store: {error}"
        ) from error


def identity(broker: str, changelog: str, timeout_s: float) -> str:
    """A name that no other topic has, be it one of the same name. The embedded broker has no topic ids."""
    admin = AdminClient(client_config(broker))
    cluster_id = admin.list_topics(changelog, timeout=timeout_s).cluster_id or ""
    if cluster_id.startswith(_MOCK_CLUSTER_PREFIX):
        return f"{cluster_id}/{changelog}"
    described = admin.describe_topics(TopicCollection([changelog]), request_timeout=timeout_s)
    return f"{cluster_id}/{changelog}/{described[changelog].result(timeout_s + 1).topic_id}"


def _drop_disowned(store: RocksRows, broker: str, changelog: str, timeout_s: float) -> None:
    consumer = Consumer(
        {
            **client_config(broker),
            "group.id": f"skillstream-store-{uuid4().hex}",  # never joined, nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        for partition, kept in store.notes().items():
            why = _disowned(consumer, TopicPartition(changelog, partition), kept, timeout_s)
            if why is not None:
                _log.warning("Local rows of partition %d are dropped, %s restores them: %s", partition, changelog, why)
                store.drop_partition(partition)
    finally:
        consumer.close()


def _disowned(consumer: Consumer, place: TopicPartition, kept: Kept, timeout_s: float) -> str | None:
    """Why these rows are not those of the changelog as it is now; None if they are."""
    if kept.applied < 0:
        return "they were never complete"
    if time.time() - kept.saved_s > TRUSTED_FOR_S:
        return "they are so old that deletions may have left the changelog since"
    start, end = consumer.get_watermark_offsets(place, timeout=timeout_s)
    if start > 0:
        return f"the changelog begins at offset {start}, so it was cut off in front"
    if end <= kept.highest:
        return f"the changelog ends at {end}, but they hold offset {kept.highest}: it was emptied or lost records"
    if not _stands(consumer, TopicPartition(place.topic, place.partition, kept.applied), kept.checksum, timeout_s):
        return f"another record stands at offset {kept.applied} of the changelog"
    return None


def _stands(consumer: Consumer, place: TopicPartition, expected: int, timeout_s: float) -> bool:
    """Whether the record is there, or was compacted away; False where another one is."""
    consumer.assign([place])
    message = consumer.poll(timeout_s)
    if message is None:
        raise TimeoutError(f"offset {place.offset} of partition {place.partition} was not read within {timeout_s} s")
    error = message.error()
    if error is not None:
        if error.code() == KafkaError._PARTITION_EOF:
            return True
        raise KafkaException(error)
    return message.offset() != place.offset or checksum(_Read(message.key(), message.value())) == expected


class _Read:
    """A message, as a LogRecord."""

    def __init__(self, key: bytes | None, value: bytes | None) -> None:
        self.key = key
        self.value = value
