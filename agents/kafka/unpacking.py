"""Records as they leave aiokafka's fetcher: a tuple of what is used, and something in place of what cannot be unpacked.

    batch ── checksum wrong ─────────────────────► DamagedBatch: what the broker gave out is not what was produced
          └─ cannot be decompressed, or would be
             too large then, or holds what is no
             record (what can is salvaged) ───────► one record for what is left, its value an UnreadableBatch

A producer may send what nobody can unpack under a right checksum (Apache Kafka refuses it, other brokers may not), or
a few kilobytes that become gigabytes: then the rest of the partition must go on. That one record has the batch's last
offset, so that a commit passes the batch.

Private parts of aiokafka 0.14 that are replaced: `consumer.fetcher.PartitionRecords` by a subclass, and
`consumer.fetcher.MemoryRecords`, to keep the bytes of the batch in hand. Aborted transactions, markers, compacted
offsets and all five codecs stay aiokafka's own work. Where the private part isn't there any more, its records are
taken as they are.
"""

import logging
import re
from collections.abc import Callable, Iterator
from struct import Struct
from typing import Any, ClassVar, Final, NamedTuple

from aiokafka.consumer import fetcher
from aiokafka.record.memory_records import MemoryRecords

from agents.kafka.connection import CODECS
from agents.kafka.errors import DamagedBatch
from agents.kafka.inflation import inflated_bytes
from agents.kafka.salvage import salvage
from schemas.unreadable import UnreadableBatch

logger = logging.getLogger(__name__)

_CODEC_BITS: Final = 0x07
_HEADER: Final = Struct(">qi")  # base offset, length of what follows
_V2: Final = Struct(">qiibIhiqq")  # base offset, length, epoch, magic, crc, attributes, last delta, first and last time
_MAGIC: Final = 2
_NAMED: Final = re.compile(r"a record batch of offsets ([0-9]{1,18}) to ([0-9]{1,18}), compression ([^,]*),")
RECORDS_AT: Final = 61
"""Behind the head of a batch of that format."""
_MEND: Final = (
    "the disk of the partition's leader is damaged, or what lies between: make another replica the leader, or restore "
    "the partition"
)


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


class InflatesTooMuch(Exception):
    """A batch that may become larger than is allowed, or that is not of the codec that it names."""


class CheckedBatches:
    """A partition's share of a fetch, as aiokafka's MemoryRecords; each batch's checksum and size are checked.

    For all of this process: `most_bytes` is what a batch may become when it is unpacked, `on_too_large` is called, from
    any thread, for each that would become more.
    """

    most_bytes = 100_000_000
    on_too_large: ClassVar[Callable[[], object]] = staticmethod(lambda: None)

    def __init__(self, fetched: bytes) -> None:
        self._fetched = fetched
        self._inner = MemoryRecords(fetched)
        self._start = self._end = 0
        self.taken: Any = None
        """The batch that was given out last, or that was too large to be."""
        self.has_next = self._inner.has_next
        self.size_in_bytes = self._inner.size_in_bytes

    def next_batch(self) -> Any:
        """The next batch. Raises DamagedBatch, and InflatesTooMuch for one that is in hand then."""
        first, length = _HEADER.unpack_from(self._fetched, self._end)
        end = self._end + _HEADER.size + length
        try:
            batch = self._inner.next_batch()
        except Exception as error:
            raise DamagedBatch(f"the record batch at offset {first} has no whole header") from error
        if not batch.validate_crc():
            raise DamagedBatch(f"the record batch at offset {first} has a wrong checksum")
        self._start, self._end = self._end, end
        self.taken = batch
        if batch.compression_type:
            self._require_bounded()
        return batch

    @property
    def in_hand(self) -> bytes:
        """The bytes of the batch that was given out last."""
        return self._fetched[self._start : self._end]

    def _require_bounded(self) -> None:
        batch = self.in_hand
        header = BatchHeader.of(batch)
        if header.codec not in CODECS:
            return  # aiokafka says what is wrong
        try:
            bound = inflated_bytes(header.codec, batch[RECORDS_AT:], self.most_bytes)
        except ValueError as error:
            raise InflatesTooMuch(f"it is {error}") from error
        if bound > self.most_bytes:
            CheckedBatches.on_too_large()
            raise InflatesTooMuch(f"it may become {bound:,} bytes or more, {self.most_bytes:,} are allowed")


class NotABatch(ValueError):
    """A text that names no record batch."""


class BatchHeader(NamedTuple):
    """What the head of a batch says: first and last offset, the newest record's time in ms, the codec's name."""

    first: int
    last: int
    newest_ms: int
    codec: str

    @classmethod
    def of(cls, batch: bytes) -> "BatchHeader":
        """Of a batch's bytes, in whatever format."""
        first, _, _, magic, _, attributes, delta, _, newest_ms = _V2.unpack_from(batch.ljust(_V2.size, b"\0"))
        if magic != _MAGIC:  # of before Kafka 0.11: a message set
            return cls(first, first, 0, "of an old message format")
        number = attributes & _CODEC_BITS
        codec = CODECS[number] if number < len(CODECS) else f"{number}, which is unknown"
        return cls(first, first + delta, newest_ms, codec)

    @classmethod
    def named_in(cls, text: str) -> "BatchHeader":
        """Of the batch that a `text` begins with, as `str` writes it, but for its time. Raises NotABatch."""
        named = _NAMED.match(text)
        if named is None:
            raise NotABatch("it begins with no record batch")
        return cls(int(named[1]), int(named[2]), 0, named[3])

    def __str__(self) -> str:
        return f"a record batch of offsets {self.first} to {self.last}, compression {self.codec},"


class SlimRecords(fetcher.PartitionRecords):  # type: ignore[misc]
    """A fetched partition, unpacked to SlimRecord. It has no deserializers: Faust sets none."""

    next_fetch_offset: int

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._check_crcs = False  # CheckedBatches does
        self._fetched_from = self.next_fetch_offset

    def __iter__(self) -> Iterator[SlimRecord]:
        """The one iterator, without a call of `__next__` for each record."""
        return self._records_iterator or iter(())

    def _unpack_records(self) -> Iterator[SlimRecord]:
        while True:
            try:
                yield from super()._unpack_records()  # goes on where it was: the batch in hand is taken
            except DamagedBatch as error:
                if self.next_fetch_offset > self._fetched_from:
                    return  # what is before it is delivered; the next fetch begins with it
                raise DamagedBatch(f"{self._tp.topic}/{self._tp.partition}: {error}; {_MEND}") from error.__cause__
            except Exception as error:
                yield from self._instead(error)
            else:
                return

    def _instead(self, error: Exception) -> Iterator[SlimRecord]:
        """What the batch in hand holds and was not given out yet: its records, and one in the place of the others.

        Nothing of an aborted transaction.
        """
        batch = self._records.in_hand
        header = BatchHeader.of(batch)
        if self._is_aborted():
            self.next_fetch_offset = header.last + 1
            return
        try:
            yield from self._salvaged(batch, error)
        except Exception as found:
            why = f"{header} cannot be unpacked: {_said(found)}"
            logger.error("%s/%d: %s", self._tp.topic, self._tp.partition, why)  # noqa: TRY400  no traceback: it is data
            value = UnreadableBatch(batch, why)
            yield SlimRecord(self._tp.topic, self._tp.partition, header.last, header.newest_ms, 0, None, value, ())
        self.next_fetch_offset = header.last + 1

    def _is_aborted(self) -> bool:
        """Whether the batch in hand never happened: aiokafka has not asked of one that was too large to give out."""
        batch = self._records.taken
        if self._isolation_level != fetcher.READ_COMMITTED or batch.producer_id is None:
            return False
        self._consume_aborted_up_to(batch.base_offset)
        return bool(batch.is_transactional) and batch.producer_id in self._aborted_producers

    def _salvaged(self, batch: bytes, error: Exception) -> Iterator[SlimRecord]:
        if isinstance(error, InflatesTooMuch):
            raise error
        for record in salvage(batch):
            if record.offset >= self.next_fetch_offset:
                self.next_fetch_offset = record.offset + 1
                yield self._consumer_record(self._tp, record)

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


def _said(error: Exception) -> str:
    if isinstance(error, InflatesTooMuch):
        return str(error)
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def slim_records(most_bytes: int | None = None) -> bool:
    """Let every fetcher of this process unpack to SlimRecord, and no batch to more than `most_bytes`; None leaves that
    as it is.

    False where aiokafka has no place for it. Idempotent.
    """
    if most_bytes is not None:
        CheckedBatches.most_bytes = most_bytes
    if not (hasattr(fetcher.PartitionRecords, "_consumer_record") and hasattr(fetcher, "MemoryRecords")):
        logger.warning("aiokafka unpacks records in another way than it used to: they are read more slowly")
        return False
    fetcher.PartitionRecords = SlimRecords
    fetcher.MemoryRecords = CheckedBatches
    return True
