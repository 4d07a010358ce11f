"""Record batches made byte by byte, and sent as they are: what no producer's library would send."""

from collections.abc import Sequence
from struct import Struct
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.util import calc_crc32c

from agents.kafka.connection import CODECS, Compression

NOW_MS: Final = 1_790_000_000_000
_CRC: Final = Struct(">I")
_FIRST: Final = Struct(">q")
_CRC_AT: Final = 17
_ATTRIBUTES_AT: Final = 21
_RECORDS_AT: Final = 61


def packed(
    values: Sequence[bytes],
    codec: Compression = "none",
    *,
    key: bytes = b"k",
    first: int = 0,
    headers: Sequence[tuple[str, bytes]] = (),
    transaction_of: int | None = None,
) -> bytes:
    """A batch of `values` from offset `first`; part of a transaction of that producer, if one is named."""
    builder = BatchBuilder(1 << 20, CODECS.index(codec), is_transactional=transaction_of is not None)
    if transaction_of is not None:
        builder._set_producer_state(transaction_of, 0, 0)
    for value in values:
        builder.append(timestamp=NOW_MS, key=key, value=value, headers=list(headers))
    return _FIRST.pack(first) + bytes(builder._build())[_FIRST.size :]


def with_header_names_of(batch: bytes, name: bytes, by: bytes) -> bytes:
    """The batch (uncompressed) with other bytes of the same length for a name."""
    return sealed(batch.replace(name, by))


def garbled(batch: bytes) -> bytes:
    """The batch with other bytes in the place of its records, under a right checksum."""
    return sealed(batch[:_RECORDS_AT] + bytes(byte ^ 0x5A for byte in batch[_RECORDS_AT:]))


def of_codec(batch: bytes, number: int) -> bytes:
    """The batch, with another codec's number in its head."""
    return sealed(batch[: _ATTRIBUTES_AT + 1] + bytes([number]) + batch[_ATTRIBUTES_AT + 2 :])


def sealed(batch: bytes) -> bytes:
    """The batch with the checksum that its bytes have."""
    return batch[:_CRC_AT] + _CRC.pack(calc_crc32c(batch[_ATTRIBUTES_AT:])) + batch[_ATTRIBUTES_AT:]


class _AsItIs(BatchBuilder):  # type: ignore[misc]
    """Counts as a batch of aiokafka's, and sends given bytes."""

    def __init__(self, batch: bytes) -> None:
        super().__init__(1 << 20, 0)
        super().append(timestamp=NOW_MS, key=b"k", value=b"v", headers=[])
        self._batch = batch

    def _build(self) -> Any:
        self.close()
        return bytearray(self._batch)


async def send_as_it_is(broker: str, topic: str, partition: int, batch: bytes) -> int:
    """The offset that the broker gave it. Raises what the broker says of it."""
    producer = AIOKafkaProducer(bootstrap_servers=broker)
    await producer.start()
    try:
        sent = await producer.send_batch(_AsItIs(batch), topic, partition=partition)
        return int((await sent).offset)
    finally:
        await producer.stop()
