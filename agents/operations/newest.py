"""The newest record of one key, from the one partition that holds it."""

from confluent_kafka import Message

from agents.config.settings import Settings
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.reader import TopicReader
from streams.input.partitioner import partitioner

_FIRST_SPAN = 10_000
_GROWTH = 4
"""How many more records each look further back takes: who was active lately is found at once."""


def newest_value(settings: Settings, topic: str, key: str) -> bytes | None:
    """The value of the newest record of `topic` under `key`; None where there is none, or it has none. Blocks.

    Reads backwards, in bounded memory. Raises BrokerUnavailable, NoSuchTopic, TopicForbidden.
    """
    wanted = key.encode()
    try:
        with TopicReader(settings.broker, topic, f"{settings.app_id}-newest", settings.start_timeout_s) as reader:
            spans = reader.spans()
            owner = partitioner(settings.partitioner).owning_partition(wanted, len(spans))
            searched = spans if owner is None else {owner: spans[owner]}
            found = [_newest_in(reader, partition, span, wanted) for partition, span in searched.items()]
    except BrokerUnavailable as error:
        raise BrokerUnavailable(f"the broker at {settings.broker} does not answer: {error}") from error
    messages = (message for message in found if message is not None)  # one without a value is falsy
    newest = max(messages, key=lambda message: message.timestamp()[1], default=None)
    return None if newest is None else newest.value()


def _newest_in(reader: TopicReader, partition: int, span: tuple[int, int], key: bytes) -> Message | None:
    """The partition's newest record of the key; None where there is none."""
    start, end = span
    size = _FIRST_SPAN
    while end > start:
        begin = max(start, end - size)
        newest = None
        for record in reader.read(partition, begin, end):
            if record.key() == key:
                newest = record
        if newest is not None:
            return newest
        end, size = begin, size * _GROWTH
    return None
