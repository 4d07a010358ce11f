"""What a replay of dead letters sends back of records that hold several events: what was wrong in them, once."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, cast
from uuid import NAMESPACE_URL, uuid5

import msgspec
import orjson
import pytest
from confluent_kafka import Message
from hypothesis import given
from hypothesis import strategies as st

from agents.kafka.reader import TopicReader
from agents.operations.dead_letters.position import RecordPart, ReplayPosition, encode_position
from agents.operations.dead_letters.reinsertion import Reinsertion
from agents.operations.dead_letters.replay import DeadLetterReplay, Policy, Summary
from agents.operations.dead_letters.reread import Rereader
from agents.operations.erasures import ErasedStudent, StoredErasures
from schemas.dead_letter import (
    MAX_RUNS_A_DEAD_LETTER,
    REINSERTED_HEADER,
    DeadLetter,
    Header,
    from_headers,
    with_own_headers,
)
from schemas.dialects import Decoded, Dialects, Invalid, Record, decode, native
from schemas.dialects.mapping import Mapping
from schemas.event import Collaboration
from schemas.parts import PATTERN, Parts, named, runs
from streams.folding.dead_letter_writing import PLAIN_WRITER, DeadLetterWriter
from streams.folding.dead_letters import MAX_DEAD_LETTERS_A_RECORD
from streams.rows.codec import decode_row
from streams.rows.erasure import RowErasure
from tests.contract.caliper_events import ADA, APP, FORUM, QUIZ, caliper, envelope
from tests.contract.xapi_statements import CLASS, statement
from tests.events import NOW_MS, Processed, event, fields, processed, record, rows_of

BEN = "https://school.example/users/ben"
HOMES = {ADA: 1, BEN: 2}
ACTIVITY = "student-activity"
SHUNNED = "ForumEvent.Downvoted"
LATER = Dialects(Mapping(caliper={SHUNNED: "disagreed"})).decode
"""Reads what `decode` finds wrong."""


def event_id(name: object) -> str:
    return f"urn:uuid:{uuid5(NAMESPACE_URL, str(name))}"


def deed(number: int, student: str = ADA, *, bad: bool = False) -> dict[str, Any]:
    action, thing = ("Downvoted", FORUM) if bad else ("Subscribed", FORUM)
    actor = {"id": student, "type": "Person"}
    return caliper("ForumEvent", action, thing, id=event_id(number), actor=actor, without=("membership",))


def tried(number: int) -> dict[str, Any]:
    """Something that a row counts."""
    return caliper("AssessmentEvent", "Started", QUIZ, id=event_id(number), actor={"id": ADA, "type": "Person"})


def bad(*numbers: int, student: str = ADA) -> list[dict[str, Any]]:
    return [deed(number, student, bad=True) for number in numbers]


def fold(taken: Sequence[Record], rows: dict[str, bytes] | None = None) -> Processed:
    return processed(taken, rows)


def dead_letters_of(batch: Processed) -> list[tuple[Record, tuple[Header, ...]]]:
    """As a worker sends them."""
    return [(of, with_own_headers(dead_letter, of.headers)) for of, dead_letter in batch.dead_letters]


@dataclass
class Topic:
    """The dead letters' only partition, in place of a reader of it, and where a replay of it commits to."""

    dead_letters: list[Message] = field(default_factory=list)
    sent: list[Reinsertion] = field(default_factory=list)
    position: ReplayPosition = field(default_factory=lambda: ReplayPosition(next=0))

    def add(self, key: bytes | None, value: bytes | None, headers: Iterable[Header]) -> None:
        self.dead_letters.append(
            Message(
                topic="dead-letters",
                partition=0,
                offset=len(self.dead_letters),
                key=key,
                value=value,
                headers=cast(Any, list(headers)),
                timestamp=(1, NOW_MS),
            )
        )

    def take(self, batch: Processed) -> None:
        for of, headers in dead_letters_of(batch):
            self.add(of.key, of.value, headers)

    def read(self, partition: int, start: int, end: int) -> Iterator[Message]:
        yield from self.dead_letters[start:end]

    def commit(self, reinsertions: Sequence[Reinsertion], partition: int, position: ReplayPosition) -> None:
        for one in reinsertions:
            if one.is_dead_letter:
                self.add(one.key, one.value, one.headers)
            else:
                self.sent.append(one)
        self.position = msgspec.json.decode(encode_position(position), type=ReplayPosition)

    def replay(
        self,
        read: Any = LATER,
        policy: Policy = "stop",
        forgotten: Iterable[bytes] = (),
        reasons: Sequence[str] = (),
        writer: DeadLetterWriter = PLAIN_WRITER,
    ) -> Summary:
        rereader = Rereader(
            activity=ACTIVITY,
            owning_partition=lambda student: HOMES.get(student.decode()),
            partitions=4,
            erasures=StoredErasures(dict.fromkeys(forgotten, ErasedStudent(erasure=RowErasure(ends=(1 << 40,))))),
            now_ms=NOW_MS + 3_600_000,
            decode=read,
            sign=lambda _topic, _partition, _key, _value, headers: tuple(headers),
            writer=writer,
        )
        replay = DeadLetterReplay(policy, rereader, reasons=reasons, authentic=lambda _record: True)
        spans = {0: (0, len(self.dead_letters))}
        return replay.run(cast(TopicReader, self), spans, {0: self.position}, self)

    @property
    def ids(self) -> list[str]:
        """The events that were sent, as native ones."""
        return [native.decode(one.value).event_id for one in self.sent]

    def parts(self) -> list[str]:
        return [from_headers(cast(Any, dead_letter.headers())).parts for dead_letter in self.dead_letters]


def topic_of(*values: object, **given: Any) -> Topic:
    """The dead letters of records with these documents."""
    topic = Topic()
    topic.take(fold([record(orjson.dumps(value), offset, **given) for offset, value in enumerate(values)]))
    return topic


def test_the_good_events_of_an_envelope_are_counted_once_however_many_they_are() -> None:
    came = record(orjson.dumps(envelope(*(tried(n) for n in range(60)), *bad(60))))
    batch, topic = fold([came]), Topic()
    topic.take(batch)

    summary = topic.replay()

    assert (summary.read, summary.reinserted, summary.still_bad) == (1, 1, 0)
    [back] = topic.sent
    assert (back.partition, back.key, back.timestamp_ms) == (HOMES[ADA], ADA.encode(), NOW_MS + 3_600_000)
    assert back.headers == ((REINSERTED_HEADER, f"{ACTIVITY}/0@0;{came.timestamp}".encode()),)
    assert native.decode(back.value) == LATER(came).events[-1]
    again = fold([record(back.value, 1, headers=cast(Any, back.headers))], rows_of(batch))
    assert (batch.counts.applied, again.counts.applied) == (60, 1)
    assert decode_row(rows_of(again)[ADA]).events == 61


def test_each_dead_letter_of_a_record_sends_its_part_and_a_dead_letter_that_came_twice_sends_nothing() -> None:
    came = [envelope(*bad(1), deed(2), *bad(3)), envelope(deed(4), *bad(5))]
    batch, topic = fold([record(orjson.dumps(document), offset) for offset, document in enumerate(came)]), Topic()
    topic.take(batch)
    topic.take(batch)  # by a worker that was restarted

    summary = topic.replay()

    assert (summary.reinserted, summary.repeats) == (3, 3)
    assert topic.ids == [event_id(1), event_id(3), event_id(5)]
    topic.take(batch)
    assert topic.position.seen_to == RecordPart(0, 1, 1)
    assert (topic.replay().repeats, len(topic.sent)) == (3, 3)


def test_a_replay_that_ended_between_two_dead_letters_of_a_record_goes_on_with_the_second() -> None:
    topic = topic_of(envelope(*bad(1), *bad(2)))
    second = topic.dead_letters.pop()
    topic.replay()
    topic.dead_letters.append(second)

    assert topic.replay().reinserted == 1
    assert topic.ids == [event_id(1), event_id(2)]


def test_dead_letters_that_share_the_rest_of_a_record_send_each_bad_part_and_no_good_one() -> None:
    count = 3 * MAX_RUNS_A_DEAD_LETTER + 100
    topic = topic_of(envelope(*({"type": "Person"} if n % 3 == 1 else {"action": 0} for n in range(count))))

    assert len(topic.dead_letters) == MAX_DEAD_LETTERS_A_RECORD + 1
    topic.replay(lambda _record: Decoded([event(event_id=str(n)) for n in range(count)], parts=range(count)))

    assert topic.ids == [str(n) for n in range(count) if n % 3 != 1]


def test_statements_of_an_array_are_known_by_their_places_though_one_is_of_a_whole_class() -> None:
    ids = [str(uuid5(NAMESPACE_URL, str(n))) for n in range(3)]
    group, wrong, other = (statement(id=id) for id in ids)
    topic = topic_of([{**group, "actor": CLASS}, {**wrong, "verb": 1}, other])
    seen: list[Decoded] = []

    def mended(of: Record) -> Decoded:
        document = orjson.loads(of.value or b"")
        document[1] = {**wrong, "actor": CLASS}
        seen.append(decode(record(orjson.dumps(document))))
        return seen[-1]

    topic.replay(mended)

    assert list(seen[0].parts) == [0, 0, 1, 1, 2]
    assert topic.ids == [ids[1]] * 2
    assert all(native.decode(one.value).voidable for one in topic.sent)
    assert {one.key for one in topic.sent} == {one.student_id.encode() for one in seen[0].events}


@pytest.mark.parametrize("is_binary", [False, True])
def test_a_part_within_a_cloudevent_comes_back_as_a_native_event(is_binary: bool) -> None:
    attributes = {"id": "e-1", "source": "/lms", "type": "org.caliper", "specversion": "1.0"}
    data = envelope(deed(1), *bad(2))
    headers = tuple((f"ce_{name}", text.encode()) for name, text in attributes.items()) if is_binary else ()
    topic = topic_of(data if is_binary else attributes | {"data": data}, headers=headers)

    topic.replay()

    [back] = topic.sent
    [noted] = decode(record(back.value, headers=cast(Any, back.headers))).events
    assert noted.event_id == "/lms|1 e-1"
    assert isinstance(noted, Collaboration)


def test_a_record_that_was_wrong_as_a_whole_goes_back_as_a_whole_though_it_now_has_parts() -> None:
    value = orjson.dumps(envelope(deed(1), deed(2)))
    dead_letter = DeadLetter(
        topic=ACTIVITY,
        partition=3,
        offset=7,
        timestamp=NOW_MS,
        index=0,
        reason="not_an_object",
        error="a JSON array, not an object",
        schema_guess="native",
    )
    topic = Topic()
    topic.add(b"ada", value, with_own_headers(dead_letter, (("trace", b"t"),)))

    topic.replay()

    [back] = topic.sent
    assert (back.partition, back.key, back.value) == (3, b"ada", value)
    assert [name for name, _ in back.headers] == ["trace", REINSERTED_HEADER]


def half_mended(of: Record) -> Decoded:
    """All that LATER reads, but for the parts of every fifth place."""
    found = LATER(of)
    noted = [(one, part) for one, part in zip(found.events, found.parts, strict=True) if part % 5]
    wrong = [Invalid("still_wrong", "it is", index=part) for part in found.parts if not part % 5]
    return Decoded([one for one, _ in noted], wrong, found.ignored, [part for _, part in noted])


def test_what_is_still_wrong_follows_the_policy_and_what_was_mended_beside_it_is_sent_once() -> None:
    data = [*bad(*range(20)), deed(20)]
    mended = [event_id(n) for n in range(20) if n % 5]

    stopped = topic_of(envelope(*data))
    assert stopped.replay(half_mended).stopped_at is not None
    assert stopped.sent == []

    dropped = topic_of(envelope(*data))
    summary = dropped.replay(half_mended, "drop")
    assert (summary.read, summary.reinserted, summary.still_bad, summary.dropped) == (16, 13, 4, 3)
    assert dropped.ids == mended
    assert len(dropped.dead_letters) == 16

    kept = topic_of(envelope(*data))
    summary = kept.replay(half_mended, "reinsert")
    assert (summary.reinserted, summary.still_bad, summary.dropped) == (16, 4, 0)
    assert kept.ids == mended
    assert kept.parts()[16:] == ["0", "5", "10", "15"]
    again = from_headers(cast(Any, kept.dead_letters[-1].headers()))
    assert (again.reason, again.index, again.replays) == ("still_wrong", 15, 1)
    assert kept.replay(half_mended, "reinsert").still_bad == 4, "what a replay put there is no repeat"
    assert kept.replay().repeats == 0
    assert sorted(kept.ids) == sorted(event_id(n) for n in range(20))


def test_of_a_dead_letters_events_only_those_of_forgotten_students_stay() -> None:
    data = [deed(n, BEN if n % 2 else ADA, bad=True) for n in range(20)]
    topic = topic_of(envelope(*data), key=None)

    summary = topic.replay(forgotten=[BEN.encode()])

    assert (summary.forgotten, summary.reinserted) == (7, 9)
    assert topic.ids == [event_id(n) for n in range(0, 20, 2)]
    unread = topic_of(envelope(*bad(1, 2), deed(3)), key=ADA.encode())
    assert unread.replay(decode, forgotten=[ADA.encode()]).forgotten == 2, "the record's key says whose they are"


def test_parts_that_have_no_meaning_are_left() -> None:
    topic = topic_of(envelope(*bad(1), {**APP}))
    entity = orjson.loads(topic.dead_letters[0].value() or b"") | {"data": [APP, APP]}

    summary = topic.replay(lambda _record: decode(record(orjson.dumps(entity))))

    assert (summary.left, topic.sent) == (1, [])


def test_a_mark_of_an_older_version_takes_all_dead_letters_of_its_last_record_for_repeats() -> None:
    topic = topic_of(envelope(*bad(1, 2)), envelope(*bad(3), deed(4)))
    topic.position = msgspec.json.decode(b'{"next":0,"seen_to":[0,0],"reasons":{},"version":1}', type=ReplayPosition)

    assert topic.replay().repeats == 2
    assert topic.ids == [event_id(3)]


def test_dead_letters_lie_in_the_order_of_their_records_whenever_the_fault_was_found() -> None:
    absurd = record(orjson.dumps(envelope(deed(1), *bad(2), deed(3))), 0, timestamp=0)
    batch, topic = fold([absurd, record(b"{", 1)]), Topic()
    topic.take(batch)

    found = [(dead_letter.offset, dead_letter.parts, dead_letter.reason) for _, dead_letter in batch.dead_letters]
    assert found == [
        (0, "0", "absurd_timestamp"),
        (0, "1", "caliper_invalid"),
        (0, "2", "absurd_timestamp"),
        (1, "", "not_json"),
    ]
    topic.replay(policy="drop")
    assert topic.ids == [event_id(1), event_id(2), event_id(3)]


def test_a_native_event_has_no_parts() -> None:
    assert decode(record(orjson.dumps(fields()))).parts == ()
    assert not decode(record(b"{")).has_several_parts


@given(st.sets(st.integers(0, 9_999_999), max_size=40) | st.sets(st.integers(0, 60)))
def test_parts_are_read_back_as_they_were_named(parts: set[int]) -> None:
    text = named(runs(sorted(parts)))
    read = Parts(text)

    near = {part + step for part in parts for step in (-1, 0, 1)}
    assert {part for part in near if part in read} == parts
    assert re.search(PATTERN, text)
