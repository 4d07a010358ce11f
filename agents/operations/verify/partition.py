"""Reads what one pass over one partition needs, topic by topic, and hands it to the pure part."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from agents.config.channels import Channels
from agents.kafka.offsets import Offsets, SourcePartition
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from schemas import erasure
from schemas.errors import InvalidInput
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.signature import Authentic
from streams.replay import FileRecord
from streams.verification.dead_letters import DeadLetterBook, RepartitionBook
from streams.verification.partition import Pass
from streams.verification.rescoring import Rescoring
from streams.verification.slices import Slice
from streams.verification.students import Extent


@dataclass(frozen=True, slots=True, kw_only=True)
class PartitionReader:
    """Of one verification. `offsets` are where all began and ended when it began; `readers` are by topic.

    `advance` is called with how many records were read.
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

    async def one_pass(
        self, extent: Extent, students: Slice, dead_letters: DeadLetterBook, repartitioned: RepartitionBook | None
    ) -> Pass:
        """Read all that there is of `students`, ready to be compared; blocks. Raises BrokerUnavailable, Fatal.

        The first pass of a partition, the one with `repartitioned`, goes through all of the input, the others not
        further than they must.
        """
        one = Pass(self.rescoring, self.owning_partition, extent, students, self.memory_bytes, self.is_of_lacking_key)
        self._read_published(one, extent.partition)
        one.begin()
        activity, partition = self.channels.activity, extent.partition
        for records in self._read(activity, partition, extent.start, extent.cut):
            batch = await one.fold(records)
            dead_letters.expect(batch.dead_letters)
            if repartitioned is not None:
                repartitioned.expect(batch.repartitioned)
                repartitioned.find(records)
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
                key = record.key or b""
                if self.owning_partition(key) in (None, partition):
                    at_us = 0 if request is None else request.at_us
                    one.last.note_request(key, at_us, is_read=record.offset < read_to)

    def _read(self, topic: str, partition: int, start: int, end: int | None = None) -> Iterator[list[FileRecord]]:
        for messages in self.readers[topic].batches({partition: (start, end)}):
            self.advance(len(messages))
            yield [file_record(message) for message in messages]

    def _start(self, topic: str, partition: int) -> int:
        return self.offsets[topic, partition].start
