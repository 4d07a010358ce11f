"""The dead letters of students who are erased: each that has a key of its own gets a null value, for compaction.

Theirs are those under their key, or its keyed hash, and those in which an event of theirs can be read. A dead letter
holds a whole record: one with events of others, too, goes for all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.config.channels import Channels
from agents.config.dead_letters import has_unique_keys
from agents.config.dialects import decoder_of
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable, NoSuchTopic
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import TopicReader
from agents.operations.dead_letters.stored import StoredDeadLetter, stored_dead_letter
from streams.folding.dead_letter_students import students_in

_LOOK_AGAIN_S = 0.5


@dataclass(slots=True)
class ErasedDeadLetters:
    """How many were `erased`; `shared` of these held events of others, too. `left` have no key of their own."""

    erased: int = 0
    shared: int = 0
    left: int = 0


class DeadLetterErasure:
    """Of one deployment. Its methods block. Raises BrokerUnavailable, TopicForbidden."""

    def __init__(self, settings: Settings, keyring: Keyring) -> None:
        self._settings = settings
        self._keyring = keyring
        self._channels = Channels.of(settings)
        self._decode = decoder_of(settings)

    def may_follow(self, ends: Sequence[int], deadline: Deadline) -> bool:
        """Whether workers may still write dead letters of what came before `ends`; waits until they do not."""
        if not has_unique_keys(self._settings):
            return False
        with self._reader(self._channels.activity, self._settings.app_id) as reader:
            while any(
                _has_records(reader, partition, committed or 0, ends[partition])
                for partition, committed in reader.committed(range(len(ends)), settled=True).items()
            ):
                if deadline.is_over:
                    return True
                deadline.pause(_LOOK_AGAIN_S)
        return False

    def erase(self, students: Mapping[str, Sequence[int]]) -> ErasedDeadLetters:
        """Erase what is of each of the `students` and came before the ends that go with it; those that were erased
        before count again as long as they are there.
        """
        done, already = ErasedDeadLetters(), set[bytes]()
        found: list[tuple[int, bytes]] = []
        keys_of = {student: self._keys_of(student) for student in students}
        all_keys = frozenset[bytes]().union(*keys_of.values())
        for stored in self._stored():
            if stored.erases is not None:
                already.add(stored.erases)
                continue
            in_events = self._students_in(stored)
            theirs = {*in_events, stored.key}
            if not any(theirs & keys_of[of] and self._came_before(stored, ends) for of, ends in students.items()):
                continue
            if stored.own_key is None:
                done.left += 1
                continue
            done.erased += 1
            done.shared += not in_events <= all_keys
            found.append((stored.partition, stored.own_key))
        self._write_tombstones([(partition, key) for partition, key in found if key not in already])
        return done

    def _write_tombstones(self, keys: Sequence[tuple[int, bytes]]) -> None:
        if not keys:
            return
        topic, producer = self._channels.dead_letters, ConfirmedProducer(self._settings.broker)
        for partition, key in keys:
            producer.send(topic, partition, key, None)
        if (why := producer.confirm(self._settings.start_timeout_s)) is not None:
            raise BrokerUnavailable(f"{topic}: {why}")

    def _keys_of(self, student: str) -> frozenset[bytes]:
        """What may be a dead letter's key, or stand for it."""
        key = student.encode()
        return frozenset({key, *(each.text for each in self._keyring.hashes_of(key))})

    def _students_in(self, stored: StoredDeadLetter) -> frozenset[bytes]:
        of = stored.dead_letter
        if of is None or of.redacted or of.topic != self._channels.activity:
            return frozenset()
        return students_in(stored.original(of), self._decode)

    def _came_before(self, stored: StoredDeadLetter, ends: Sequence[int]) -> bool:
        of = stored.dead_letter
        if of is None or (of.topic, of.epoch) != (self._channels.activity, self._settings.epoch):
            return True
        return of.partition >= len(ends) or of.offset < ends[of.partition]

    def _stored(self) -> Iterator[StoredDeadLetter]:
        with self._reader(self._channels.dead_letters, f"{self._settings.app_id}-erase") as reader:
            try:
                spans = reader.spans()
            except NoSuchTopic:
                return
            for partition, (start, end) in spans.items():
                yield from map(stored_dead_letter, reader.read(partition, start, end))

    def _reader(self, topic: str, group: str) -> TopicReader:
        return TopicReader(self._settings.broker, topic, group, self._settings.start_timeout_s)


def _has_records(reader: TopicReader, partition: int, start: int, end: int) -> bool:
    """Offsets alone do not tell: the markers of transactions take some, too."""
    start = max(start, reader.span(partition)[0])
    return start < end and next(reader.read(partition, start, end), None) is not None
