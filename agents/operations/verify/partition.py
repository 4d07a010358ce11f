"""Reads what one pass over one partition needs, topic by topic, and hands it to the pure part."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain

import msgspec

from agents.config.channels import Channels
from agents.kafka.offsets import Offsets, SourcePartition
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from agents.kafka.unpacking import BatchHeader, NotABatch
from schemas import erasure
from schemas.dead_letter import DeadLetter, from_headers
from schemas.dead_letter_content import read_content
from schemas.dead_letter_packing import NotPacked
from schemas.errors import InvalidInput
from schemas.unreadable import UnreadableBatch
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.signature import Authentic
from streams.replay import FileRecord
from streams.rows.erasure import RowErasure
from streams.verification.catalogue import CatalogueCheck
from streams.verification.dead_letters import DeadLetterBook, RepartitionBook
from streams.verification.norms import PartitionNorms
from streams.verification.partition import Pass
from streams.verification.rescoring import Rescoring
from streams.verification.slices import Slice
from streams.verification.students import Extent
from streams.verification.tenants import TenantCount


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionReader:
    """Of one verification. `offsets` are where all began and ended when it began; `readers` are by topic.

    `advance` is called with how many records were read. Acceptances count that are `authentic`, and of the input
    topic of that id.
    """

    readers: Mapping[str, TopicReader]
    advance: Callable[[int], None]
    channels: Channels
    changelog: str
    offsets: Mapping[SourcePartition, Offsets]
    owning_partition: OwningPartitionOfKey
    rescoring: Rescoring
    memory_bytes: int
    is_of_lacking_key: Authentic
    authentic: Authentic
    topic_id: str
    catalogue: CatalogueCheck
    tenants: TenantCount | None
    passed_over: set[tuple[str, int, int]] = field(default_factory=set)
    """Topic, partition and last offset of each record batch that nobody can unpack."""
    refused: defaultdict[SourcePartition, list[BatchHeader]] = field(default_factory=lambda: defaultdict(list))
    """Of the batches that workers say they could not unpack."""

    def find_refused(self, partition: int) -> None:
        """Read from the dead letters about the partition where workers may have refused a batch.

        That is only where to look: whether they were right is found out there.
        """
        topic = self.channels.dead_letters
        for records in self._read(topic, partition, self._start(topic, partition)):
            for record in records:
                with suppress(msgspec.ValidationError, UnicodeDecodeError, NotPacked, NotABatch):
                    dead_letter = from_headers(tuple(record.headers))
                    if dead_letter.reason == "unreadable_batch":
                        self.refused[dead_letter.topic, partition].append(_refused_batch(dead_letter, record))

    async def one_pass(
        self,
        extent: Extent,
        students: Slice,
        dead_letters: DeadLetterBook,
        repartitioned: RepartitionBook | None,
        norms: PartitionNorms,
    ) -> Pass:
        """Read all that there is of `students`, ready to be compared; blocks. Raises BrokerUnavailable, Fatal.

        The first pass of a partition, the one with `repartitioned`, goes through all of the input, the others not
        further than they must.
        """
        one = Pass(
            self.rescoring,
            self.owning_partition,
            extent,
            students,
            self.memory_bytes,
            self.is_of_lacking_key,
            self.catalogue,
            norms,
        )
        self._read_published(one, extent.partition)
        one.begin()
        activity, partition = self.channels.activity, extent.partition
        folded = self._read(activity, partition, extent.start, extent.cut)
        for records in chain.from_iterable(map(norms.cut, folded)):
            batch = await one.fold(records)
            dead_letters.expect(batch.dead_letters)
            if repartitioned is not None:
                repartitioned.expect(batch.repartitioned)
                repartitioned.find(records)
                if self.tenants is not None:
                    self.tenants.note(records, batch.dead_letters)
            elif one.spoiled:
                return one
        end = max(one.reach, self.offsets[activity, partition].end if repartitioned is not None else 0)
        for records in self._read(activity, partition, extent.cut, end):
            await one.follow(records)
            if repartitioned is not None:
                repartitioned.find(records)
        return one

    def find_dead_letters(self, extent: Extent, dead_letters: DeadLetterBook) -> None:
        """Read the dead letters about the partition."""
        topic = self.channels.dead_letters
        for records in self._read(topic, extent.partition, self._start(topic, extent.partition)):
            dead_letters.find(records, extent)

    def _read_published(self, one: Pass, partition: int) -> None:
        """Updates before rows: so that a row is at least as far as its student's update, if nothing is wrong."""
        channels = self.channels
        for topic, note in (
            (channels.updates, one.last.note_updates),
            (channels.reasoning, one.last.note_explanations),
        ):
            for records in self._read(topic, partition, self._start(topic, partition)):
                note(records)
        self._read_requests(one, partition)
        for records in self._read(self.changelog, partition, self._start(self.changelog, partition)):
            one.last.note_rows(records)
            one.norms.note_rows(records)

    def _read_requests(self, one: Pass, partition: int) -> None:
        """As the workers read them: what is not on its owning partition is forwarded there, and counts there."""
        erasures = self.channels.erasures
        read_to = self.offsets[erasures, partition].next_offset
        for records in self._read(erasures, partition, self._start(erasures, partition)):
            for record in records:
                try:
                    request = erasure.read_request(record.key, record.value, record.timestamp)
                except InvalidInput:
                    continue  # a dead letter
                key, is_read = record.key or b"", record.offset < read_to
                if self.owning_partition(key) not in (None, partition):
                    continue
                accepted = erasure.read_acceptance(record.value, record.headers)
                if accepted is not None and accepted.topic_id == self.topic_id and self.authentic(record):
                    one.last.note_acceptance(key, RowErasure.of(accepted), is_read=is_read)
                else:
                    at_us = 0 if request is None else request.at_us
                    one.last.note_request(key, at_us, is_read=is_read)

    def _read(self, topic: str, partition: int, start: int, end: int | None = None) -> Iterator[list[FileRecord]]:
        refused = sorted(batch.first for batch in self.refused[topic, partition] if batch.last >= start)
        for messages in self.readers[topic].batches({partition: (start, end)}, {partition: refused}):
            self.advance(len(messages))
            records = [file_record(message) for message in messages]
            self.passed_over.update(
                (topic, partition, record.offset) for record in records if isinstance(record.value, UnreadableBatch)
            )
            yield records

    def _start(self, topic: str, partition: int) -> int:
        return self.offsets[topic, partition].start


def _refused_batch(dead_letter: DeadLetter, record: FileRecord) -> BatchHeader:
    """Raises NotPacked, NotABatch."""
    if dead_letter.redacted:
        return BatchHeader.named_in(dead_letter.error)
    return BatchHeader.of(read_content(record.headers, record.key, record.value).value or b"")
