"""From where on events of another id count for a student: a function of a log alone, whoever read what when. Pure.

identity-starts  claim of partition 2 by A | start: fay-2 → fay from 71 on, by A | claim by B | start by A
                                                                                                 └ does not count
partition 2      … 69 70 | 71 72 …       events of fay-2 before 71 are its own, those from 71 on are fay's
"""

from bisect import bisect_right, insort
from contextlib import suppress
from typing import NamedTuple

from schemas.dialects import Record
from schemas.errors import InvalidInput
from schemas.identity_start import START_VERSION, IdentityStartRecord, hash_of_id, read_start


class IdentityStart(NamedTuple):
    """From `offset` on, events of the id `other` on `partition` count for `student`, which may be that id itself."""

    partition: int
    offset: int
    other: str
    student: str

    def record(self, topic_id: str, writer: str) -> IdentityStartRecord:
        """As a record of the topic."""
        return IdentityStartRecord(
            version=START_VERSION,
            kind="start",
            writer=writer,
            topic_id=topic_id,
            partition=self.partition,
            other=hash_of_id(topic_id, self.other),
            student="" if self.student == self.other else self.student,
            start=self.offset,
        )


class StartLog:
    """What `identity-starts` says of the input topic of this id. One thread may note records while others ask."""

    def __init__(self, topic_id: str = "") -> None:
        self.topic_id = topic_id
        self._claimed: dict[int, str] = {}
        self._starts: dict[tuple[int, str], list[tuple[int, str]]] = {}

    def note(self, record: Record) -> None:
        """The topic's next record; what is no record of ours, or does not count, is passed over. Of two starts at one
        offset the later counts.
        """
        with suppress(InvalidInput):
            said = read_start(record.value)
            if said.topic_id != self.topic_id:
                return
            if said.kind == "claim":
                self._claimed[said.partition] = said.writer
            elif said.writer == self._claimed.get(said.partition):
                of_other = said.partition, said.other
                starts = [each for each in self._starts.get(of_other, ()) if each[0] != said.start]
                insort(starts, (said.start, said.student))
                self._starts[of_other] = starts

    def student_at(self, partition: int, offset: int, other: str) -> str:
        """The student for whom an event of this id counts there; the id itself where nothing else is said."""
        if not self._starts:
            return other
        starts = self._starts.get((partition, hash_of_id(self.topic_id, other)), ())
        before = bisect_right(starts, offset, key=lambda each: each[0])
        return (starts[before - 1][1] or other) if before else other

    def is_claimed_by(self, partition: int, writer: str) -> bool:
        """Whether nobody has taken the partition over since this writer did."""
        return self._claimed.get(partition) == writer

    def __len__(self) -> int:
        """Starts that count."""
        return sum(map(len, self._starts.values()))
