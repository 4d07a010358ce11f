"""Reads the record of a dead letter again, and decides what of it goes back.

    the dead letter is of  the whole record ──► the record, as it came
                      some of its parts ──► their events, as native ones, each to its student's owning partition
                                       └──► still wrong: the dead letter again, for these parts only

The other parts of the record were folded when it first came, and after some more events nothing would know them again.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from agents.operations.dead_letters.reinsertion import Reinsertion
from agents.operations.dead_letters.stored import StoredDeadLetter
from agents.operations.erasures import StoredErasures
from schemas.dead_letter import REINSERTED_HEADER, DeadLetter, Header
from schemas.dialects import Decode, Decoded, Invalid, native
from schemas.event import NativeEvent
from schemas.parts import Parts, named, runs
from streams.folding.dead_letter_writing import PLAIN_WRITER, DeadLetterWriter
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.signature import Sign
from streams.input.tenancy import ONE_TENANT, Tenancy


@dataclass(frozen=True, slots=True)
class Reread:
    """`good` goes back; `bad` is what is `still_wrong`, as it would go back. All empty: nothing in it is of use.

    `erased`: there was nothing in it but what students did before they were erased.
    """

    good: Sequence[Reinsertion] = ()
    bad: Sequence[Reinsertion] = ()
    still_wrong: Invalid | None = None
    erased: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Rereader:
    """Reads dead letters of `activity`, which has a number of `partitions`, and signs what goes back.

    That gets the time `now_ms`, not the original one: Kafka would remove what is older than its retention. `erasures`
    are as of the replay's beginning; what is sent back must not be committed where there are others by then.
    """

    activity: str
    owning_partition: OwningPartitionOfKey
    partitions: int
    erasures: StoredErasures
    now_ms: int
    decode: Decode
    sign: Sign
    tenancy: Tenancy = ONE_TENANT
    writer: DeadLetterWriter = PLAIN_WRITER

    def read(self, stored: StoredDeadLetter, dead_letter: DeadLetter) -> Reread:
        """The result of reading a `stored` dead letter of the activity topic again; `dead_letter` is what its headers
        say.
        """
        decoded = self.decode(stored.original(dead_letter))
        if dead_letter.parts:
            return self._some(stored, dead_letter, decoded)
        return self._whole(stored, dead_letter, decoded)

    def _whole(self, stored: StoredDeadLetter, dead_letter: DeadLetter, decoded: Decoded) -> Reread:
        students = {stored.key, *(event.student_id.encode() for event in decoded.events)}
        if any(self._is_erased(student, stored, dead_letter) for student in students):
            return Reread(erased=True)
        owning_partition = (
            self.owning_partition(decoded.events[0].student_id.encode()) if len(decoded.events) == 1 else None
        )
        partition = dead_letter.partition % self.partitions if owning_partition is None else owning_partition
        record = Reinsertion(
            partition=partition,
            key=stored.key,
            value=stored.value,
            headers=(*stored.producers_headers, *self._reinserted_header(stored, partition, stored.key, stored.value)),
            timestamp_ms=self.now_ms,
        )
        if decoded.invalid:
            return Reread(bad=[record], still_wrong=decoded.invalid[0])
        return Reread(good=[record])

    def _some(self, stored: StoredDeadLetter, dead_letter: DeadLetter, decoded: Decoded) -> Reread:
        its = decoded.only(Parts(dead_letter.parts))
        not_erased = [
            event for event in its.events if not self._is_erased(event.student_id.encode(), stored, dead_letter)
        ]
        wrong = [] if self._is_erased(stored.key, stored, dead_letter) else its.invalid
        parts = named(runs(one.index for one in wrong)) if decoded.has_several_parts else dead_letter.parts
        return Reread(
            good=[self._event(event, stored, dead_letter) for event in not_erased],
            bad=[self._again(stored, dead_letter, wrong[0], parts)] if wrong else (),
            still_wrong=wrong[0] if wrong else None,
            erased=not (not_erased or wrong) and bool(its.events or its.invalid),
        )

    def _event(self, event: NativeEvent, stored: StoredDeadLetter, dead_letter: DeadLetter) -> Reinsertion:
        """Without the producer's headers: they may say what dialect the record was."""
        student = event.student_id.encode()
        owning_partition = self.owning_partition(student)
        partition = dead_letter.partition % self.partitions if owning_partition is None else owning_partition
        value = native.encode(event)
        return Reinsertion(
            partition=partition,
            key=student,
            value=value,
            headers=(
                *self._reinserted_header(stored, partition, student, value),
                *self.tenancy.vouch(event.student_id, student, value),
            ),
            timestamp_ms=self.now_ms,
        )

    def _again(self, stored: StoredDeadLetter, dead_letter: DeadLetter, wrong: Invalid, parts: str) -> Reinsertion:
        """The dead letter, for the `parts` that are still wrong: a record of them alone would be another record.

        Its index stays, by which `verify` knows what it is about.
        """
        again = msgspec.structs.replace(
            dead_letter, reason=wrong.reason, error=wrong.error, parts=parts, replays=dead_letter.replays + 1
        )
        reinserted = self._reinserted_header(
            stored, dead_letter.partition, stored.key, stored.value
        )  # as on the record that it is about
        written = self.writer.write(again, stored.original(dead_letter, reinserted))
        return Reinsertion(
            partition=stored.partition,
            key=written.key,
            value=written.value,
            headers=written.headers,
            timestamp_ms=self.now_ms,
            is_dead_letter=True,
        )

    def _is_erased(self, student: bytes | None, stored: StoredDeadLetter, dead_letter: DeadLetter) -> bool:
        return self.erasures.cover(student, dead_letter.partition, dead_letter.offset, stored.first_came_ms)

    def _reinserted_header(
        self, stored: StoredDeadLetter, partition: int, key: bytes | None, value: bytes | None
    ) -> tuple[Header, ...]:
        reinserted = REINSERTED_HEADER, f"{self.activity}/{stored.location};{stored.first_came_ms}".encode()
        return self.sign(self.activity, partition, key, value, (reinserted,))
