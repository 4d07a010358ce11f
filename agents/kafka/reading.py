"""Reads topics to their end as of now, outside of every group. Blocks."""

from collections.abc import Iterator
from time import monotonic
from typing import Final, cast

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from agents.kafka.connection import client_config
from schemas.errors import Fatal, Retryable
from streams.replay import FileRecord

_SILENCE_S: Final = 30.0
_POLL_S: Final = 0.2
_AT_THE_END_MS: Final = 10
"""How long the broker may look for more at the end of a partition, before it says that this is the end."""
_RECORDS: Final = 2_000


_NOT_ALLOWED: Final = (KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.GROUP_AUTHORIZATION_FAILED)


class TopicUnread(Retryable):
    """A topic's end was not reached."""


class TopicForbidden(Fatal):
    """The broker does not let this client read a topic: waiting does not help."""


def read_to_end(broker: str, topic: str, *, last: int | None = None) -> Iterator[Message]:
    """Every record of `topic`, or about the `last` of each partition, a partition's in their order; none for a topic
    that is not there. Raises TopicUnread when the broker falls silent, and TopicForbidden.
    """
    consumer = Consumer(
        {
            **client_config(broker),
            "group.id": f"skillstream-reader-{topic}",  # never joined
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": _AT_THE_END_MS,
        }
    )
    try:
        yield from _read(consumer, topic, _places(consumer, topic, last))
    except KafkaException as error:
        said = f"{topic} cannot be read: {error.args[0].str()}"
        if error.args[0].code() in _NOT_ALLOWED:
            raise TopicForbidden(f"{said}: see 'A cluster that is locked down' in docs/operating.md") from error
        raise TopicUnread(said) from error
    finally:
        consumer.close()


def file_record(message: Message) -> FileRecord:
    """A message of the client as a record; a header without a value has an empty one."""
    return FileRecord(
        offset=int(message.offset() or 0),
        timestamp=message.timestamp()[1],
        value=message.value(),
        topic=str(message.topic()),
        partition=int(message.partition() or 0),
        key=message.key(),
        headers=tuple((name, value or b"") for name, value in headers_of(message)),
    )


def headers_of(message: Message) -> list[tuple[str, bytes | None]]:
    """A message's headers; none where a name is no UTF-8, as the workers read it (see `agents.delivery.salvage`)."""
    try:
        return cast(list[tuple[str, bytes | None]], message.headers() or [])
    except (SystemError, UnicodeDecodeError):  # librdkafka's client raises the first, from the second
        return []


def _places(consumer: Consumer, topic: str, last: int | None) -> list[TopicPartition]:
    known = consumer.list_topics(timeout=_SILENCE_S).topics.get(topic)
    places = [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in (known.partitions if known else ())]
    if last is not None:
        for place in places:
            low, high = consumer.get_watermark_offsets(place, timeout=_SILENCE_S)
            place.offset = max(low, high - last)
    return places


def _read(consumer: Consumer, topic: str, places: list[TopicPartition]) -> Iterator[Message]:
    consumer.assign(places)
    left = {place.partition for place in places}
    heard_s = monotonic()
    while left:
        messages = consumer.consume(_RECORDS, _POLL_S)
        if messages:
            heard_s = monotonic()
        elif monotonic() - heard_s > _SILENCE_S:
            raise TopicUnread(f"{topic}: nothing read for {_SILENCE_S:g} s")
        for message in messages:
            if (error := message.error()) is None:
                yield message
            elif error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition() or 0)
            else:
                raise KafkaException(error)
