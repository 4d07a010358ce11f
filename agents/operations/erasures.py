"""Which students are erased, and up to where, as `erasures` has it: for those who read the input without a table."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final, Self

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.errors import NoSuchTopic
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from schemas import erasure
from schemas.bounds import LATEST_US
from schemas.dialects import Record
from schemas.erasure import Acceptance, Erasure
from schemas.errors import InvalidInput
from streams.input.signature import Authentic
from streams.rows.erasure import NO_ERASURE, RowErasure, erasure_section
from streams.rows.row import Row


@dataclass(frozen=True, slots=True)
class ErasedStudent:
    """`erasure` as it was accepted. `asked_us` is the time of a request that has no acceptance: carried out by a former
    version, by that time alone, or, if it `is_waiting`, not read by any worker yet.
    """

    at_us: int = 0
    erasure: RowErasure = NO_ERASURE
    asked_us: int = 0
    is_waiting: bool = False
    found_on: int = 0
    """The partition of the last record about the student."""

    def row(self, epoch: int) -> Row:
        """The tombstone row, as a worker left it, or is about to."""
        if self.is_waiting:
            return Row(epoch=epoch, erased_us=LATEST_US)
        at_us = self.at_us if self.erasure.ends else self.asked_us
        return Row(epoch=epoch, erased_us=at_us, erasure=erasure_section(self.erasure))

    def covers(self, partition: int, offset: int, time_ms: int) -> bool:
        """Whether a record of the input is erased that was at this offset, and came at that time."""
        if self.is_waiting:
            return True
        if self.erasure.ends:
            return self.erasure.erases(partition, offset)
        return self.asked_us > 0 and time_ms * 1_000 <= self.asked_us


NOT_ERASED: Final = ErasedStudent()


class StoredErasures:
    """By student's key. Memory: one entry an erased student. `read_to` is where each partition of the topic ended."""

    def __init__(self, students: Mapping[bytes, ErasedStudent]) -> None:
        self.students = students
        self.read_to: dict[int, int] = {}

    @classmethod
    def of(cls, records: Iterable[tuple[Record, bool]], topic_id: str, authentic: Authentic) -> Self:
        """Of records of the topic, and whether a worker has read them: an acceptance counts that is `authentic` and of
        the input topic of that id.
        """
        students: dict[bytes, ErasedStudent] = {}
        for record, is_read in records:
            with suppress(InvalidInput):  # the worker has made a dead letter of it
                request = erasure.read_request(record.key, record.value, record.timestamp)
                if request is not None:
                    key = request.student.encode()
                    known = replace(students.get(key, NOT_ERASED), found_on=record.partition)
                    accepted = erasure.read_acceptance(record.value, record.headers)
                    if accepted is not None and authentic(record):
                        students[key] = _accepted(known, accepted, topic_id)
                    else:
                        students[key] = _asked(known, record, request, is_read=is_read)
        return cls(students)

    @classmethod
    def read(cls, settings: Settings, topic_id: str, authentic: Authentic) -> Self:
        """All there are as of now. Blocks. Raises BrokerUnavailable, TopicForbidden."""
        topic = Channels.of(settings).erasures
        with TopicReader(settings.broker, topic, settings.app_id, settings.start_timeout_s) as reader:
            try:
                spans = reader.spans()
            except NoSuchTopic:
                return cls({})
            committed = reader.committed(spans, settled=False)
            records = (
                (file_record(message), (message.offset() or 0) < (committed[partition] or 0))
                for partition, (start, end) in spans.items()
                for message in reader.read(partition, start, end)
            )
            found = cls.of(records, topic_id, authentic)
        found.read_to = {partition: end for partition, (_, end) in spans.items()}
        return found

    def cover(self, student: bytes | None, partition: int, offset: int, time_ms: int) -> bool:
        """Whether what `student` did is erased; see ErasedStudent."""
        return student is not None and self.students.get(student, NOT_ERASED).covers(partition, offset, time_ms)


def _accepted(known: ErasedStudent, accepted: Acceptance, topic_id: str) -> ErasedStudent:
    if accepted.topic_id != topic_id:  # by its time, in a topic that was made anew
        return replace(known, asked_us=max(known.asked_us, accepted.at_us))
    joined = known.erasure.joined(RowErasure.of(accepted))
    return replace(known, at_us=max(known.at_us, accepted.at_us), erasure=joined, is_waiting=False)


def _asked(known: ErasedStudent, record: Record, request: Erasure, *, is_read: bool) -> ErasedStudent:
    if known.erasure.knows((record.partition, record.offset, record.timestamp)):
        return known
    return replace(known, asked_us=max(known.asked_us, request.at_us), is_waiting=known.is_waiting or not is_read)
