"""Asking for an erasure, and waiting until a worker has carried it out: read off the topics."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime

from msgspec import UNSET

from agents.config.channels import Channels
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.deadline import Deadline
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.producer import ConfirmedProducer
from agents.kafka.reader import TopicReader
from agents.kafka.record import file_record
from agents.operations.erase.dead_letters import DeadLetterErasure, ErasedDeadLetters
from agents.operations.erase.exports import exports_of
from agents.operations.erase.holdings import Holdings, published_topics, utc_second
from agents.operations.erase.receipt import Done, ErasedKey, Receipt, signed_receipt, student_hash
from agents.operations.erase.signing import signer_of
from schemas import erasure
from schemas.dialects import Record
from schemas.erasure import Acceptance, KnownRequest
from schemas.errors import Fatal, SkillstreamError
from streams.input.partitioner import partitioner
from streams.rows.codec import decode_row
from streams.rows.erasure import RowErasure, erasure_of

_LOOK_AGAIN_S = 0.5


class NotErasedYet(SkillstreamError):
    """No worker has carried out the request within the time."""


@dataclass(slots=True)
class FoundErasure:
    """What was found so far: the request, its answer, and by topic where something says that it was carried out."""

    request: KnownRequest | None = None
    accepted: Acceptance | None = None
    accepted_ms: int = 0
    done: dict[str, Done] = field(default_factory=dict)


def erase(settings: Settings, students: Sequence[str], wait_s: float) -> Receipt:
    """Erase all that is of these keys, and say so once workers have. Blocks. Raises NotErasedYet, ReceiptRefused,
    BrokerUnavailable, NoSuchTopic, TopicForbidden; KeyUnusable before anything is asked.
    """
    asked_at, deadline = datetime.now(UTC), Deadline(wait_s)
    keyring = Keyring(settings).open_as_allowed()
    signer = signer_of(settings, keyring)
    with ExitStack() as stack:
        asked = [stack.enter_context(closing(ErasureRequest(settings, student, keyring))) for student in students]
        for one in asked:
            one.send()
        erased = [one.wait(deadline) for one in asked]
    dead_letters = _erase_dead_letters(settings, keyring, dict(zip(students, erased, strict=True)), deadline)
    remains = Holdings.of(settings).remaining(datetime.now(UTC), dead_letters)
    exports = UNSET if (found := exports_of(settings, students)) is None else found
    receipt = Receipt(settings.app_id, utc_second(asked_at), erased, remains, exports=exports)
    return signed_receipt(receipt, signer)


def _erase_dead_letters(
    settings: Settings, keyring: Keyring, erased: Mapping[str, ErasedKey], deadline: Deadline
) -> ErasedDeadLetters:
    """Raises NotErasedYet."""
    erasure = DeadLetterErasure(settings, keyring)
    if any(erasure.may_follow(each.ends, deadline) for each in erased.values()):
        raise NotErasedYet(
            "the row is erased, but workers have not read all that came before: dead letters may follow. Run it again "
            "with a longer --wait: to be erased twice does no harm"
        )
    return erasure.erase({student: each.ends for student, each in erased.items()})


class ErasureRequest:
    """Of one student, by the key of the events. Its methods block. Raises BrokerUnavailable, NoSuchTopic,
    TopicForbidden.
    """

    def __init__(self, settings: Settings, student: str, keyring: Keyring) -> None:
        self._settings = settings
        self._student = student
        self._key = student.encode()
        self._channels = Channels.of(settings)
        self._carried_out = [changelog_of(settings).name, *published_topics(self._channels)]
        self._keyring = keyring
        owner = partitioner(settings.partitioner).owning_partition(self._key, settings.partitions)
        self._partitions = range(settings.partitions) if owner is None else (owner,)
        self._readers = {topic: self._reader(topic) for topic in (self._channels.erasures, *self._carried_out)}
        self._positions = {(topic, at): self._end(topic, at) for topic in self._readers for at in self._partitions}

    def close(self) -> None:
        """Let go of the broker."""
        for reader in self._readers.values():
            reader.close()

    def send(self) -> None:
        """Ask. Where no partitioner says which partition is the student's, on all of them."""
        producer = ConfirmedProducer(self._settings.broker)
        for partition in self._partitions:
            producer.send(self._channels.erasures, partition, self._key, erasure.VALUE)
        if (why := producer.confirm(self._settings.start_timeout_s)) is not None:
            raise BrokerUnavailable(f"{self._channels.erasures}: {why}")

    def wait(self, deadline: Deadline) -> ErasedKey:
        """What was done, once all of it was. Raises NotErasedYet."""
        found = FoundErasure()
        while True:
            for record in self._new_records(self._channels.erasures):
                self._note_answer(found, record)
            if found.accepted is not None:
                for topic in self._carried_out:
                    for record in self._new_records(topic):
                        _note_carried_out(found, record, found.accepted, is_row=topic == self._carried_out[0])
                if found.done.keys() >= {*self._carried_out}:
                    return self._erased(found, found.accepted)
            if deadline.is_over:
                raise NotErasedYet(self._missing(found))
            deadline.pause(_LOOK_AGAIN_S)

    def _missing(self, found: FoundErasure) -> str:
        if found.accepted is None:
            said = "no worker has answered the request in time; the first one that runs will"
        else:
            left = [topic for topic in self._carried_out if topic not in found.done]
            said = f"not carried out in time on {', '.join(left)}"
        return f"{said}. For a receipt run it again with a longer --wait: to be erased twice does no harm"

    def _note_answer(self, found: FoundErasure, record: Record) -> None:
        accepted = erasure.read_acceptance(record.value, record.headers)
        if accepted is None or not self._keyring.may_be_authentic(record):
            found.request = found.request or (record.partition, record.offset, record.timestamp)
        elif found.request is not None and RowErasure.of(accepted).knows(found.request):
            found.accepted, found.accepted_ms = accepted, record.timestamp

    def _new_records(self, topic: str) -> Iterator[Record]:
        """Of the student, since the last look."""
        for partition in self._partitions:
            start, end = self._positions[topic, partition], self._end(topic, partition)
            for message in self._readers[topic].read(partition, start, end):
                if message.key() == self._key:
                    yield file_record(message)
            self._positions[topic, partition] = end

    def _erased(self, found: FoundErasure, accepted: Acceptance) -> ErasedKey:
        return ErasedKey(
            student=student_hash(self._student, self._keyring),
            accepted_at=utc_second(datetime.fromtimestamp(found.accepted_ms / 1_000, UTC)),
            topic_id=accepted.topic_id,
            ends=accepted.ends,
            done=[found.done[topic] for topic in self._carried_out],
        )

    def _end(self, topic: str, partition: int) -> int:
        return self._readers[topic].span(partition)[1]

    def _reader(self, topic: str) -> TopicReader:
        settings = self._settings
        reader = TopicReader(settings.broker, topic, f"{settings.app_id}-erase", settings.start_timeout_s)
        reader.spans()
        return reader


def _note_carried_out(found: FoundErasure, record: Record, accepted: Acceptance, *, is_row: bool) -> None:
    if _is_erased(record.value, accepted) if is_row else record.value is None:
        what = "tombstone row" if is_row else "null value"
        found.done[record.topic] = Done(record.topic, what, record.partition, record.offset)


def _is_erased(stored: bytes | None, accepted: Acceptance) -> bool:
    """Whether a row on the changelog knows the erasure."""
    try:
        return stored is not None and erasure_of(decode_row(stored).erasure).covers(RowErasure.of(accepted))
    except Fatal:
        return False
