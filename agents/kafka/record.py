"""Messages of librdkafka's client as records."""

from typing import cast

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Message

from streams.replay import FileRecord


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
    """A message's headers; none where a name is no UTF-8, as workers read it (`agents.kafka.salvage`)."""
    try:
        return cast(list[tuple[str, bytes | None]], message.headers() or [])
    except (SystemError, UnicodeDecodeError):  # librdkafka's client raises the first, from the second
        return []


def age_s(message: Message, now_s: float) -> float:
    """How old the message is by its own timestamp, at the time `now_s` since 1970; 0 where it has none, or a later."""
    kind, at_ms = message.timestamp()
    return 0.0 if kind == TIMESTAMP_NOT_AVAILABLE else max(0.0, now_s - at_ms / 1000)
