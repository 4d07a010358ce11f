"""Repeats: what was sent before counts once, as far back as is promised; what was not always counts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import Fatal
from streams.evidence.artifacts import NO_ARTIFACT
from streams.folding.counts import Counts
from streams.pipeline import Pipeline
from streams.replay import FileRecord
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import KNOWN_IDS, MAX_ROW_IDS, RECENT_IDS, SEGMENT_IDS, Row
from streams.rows.segments import is_segment, sealed, segments_for, student_of
from tests.events import NOW_MS, default_skills, fail_source, processed, raw, record
from tests.unit.strategies import cuts

FEW = RECENT_IDS + 2 * SEGMENT_IDS
"""Fewer ids than by default, that tests need fewer events."""


@dataclass
class Partition:
    """What a partition keeps, by the changelog's keys; each `send` is a batch."""

    known_ids: int = FEW
    stored: dict[bytes, bytes] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)
    read: list[bytes] = field(default_factory=list)
    sent: int = 0

    def send(self, values: Iterable[bytes], *, timestamp: int | None = None) -> Counts:
        """Fold the next records; their counts."""
        records = [self._record(value, timestamp) for value in values]
        pipeline = Pipeline(default_skills(), NO_ARTIFACT, on_failure=fail_source, known_ids=self.known_ids)
        batch = processed(records, self, pipeline)
        for key, value in batch.rows.items():
            if value is None:
                self.stored.pop(key, None)
            else:
                self.stored[key] = value
        self.counts += batch.counts
        return batch.counts

    @property
    def row(self) -> Row:
        """Ada's."""
        return decode_row(self.stored[b"ada"])

    @property
    def segments(self) -> list[bytes]:
        """Keys of segments that are stored."""
        return sorted(filter(is_segment, self.stored))

    def _record(self, value: bytes, timestamp: int | None) -> FileRecord:
        self.sent += 1
        return record(value, self.sent, timestamp=NOW_MS + 10**9 + self.sent if timestamp is None else timestamp)

    def get_many(self, _partition: int, keys: Sequence[bytes]) -> list[bytes | None]:
        """See StoredRows."""
        self.read += filter(is_segment, keys)
        return [self.stored.get(key) for key in keys]


def term(events: int, student: str = "ada", start: int = 0) -> list[bytes]:
    """Events of a student, a minute apart."""
    return [hint(number, student) for number in range(start, start + events)]


def hint(number: int, student: str = "ada", **given: object) -> bytes:
    """The `number`th event of a student."""
    return raw("hint", student, minute=number, event_id=f"e{number}", **given)


@pytest.mark.parametrize("events", [60, 100, 176, 500, KNOWN_IDS])
def test_a_term_that_is_sent_twice_counts_once(events: int) -> None:
    """Open edX sends its history again, with the ids that it had."""
    partition = Partition(known_ids=KNOWN_IDS)

    first, second = partition.send(term(events)), partition.send(term(events))

    assert (first.applied, first.duplicates) == (events, 0)
    assert (second.applied, second.duplicates) == (0, events)
    assert partition.row.events == events


def test_a_repeat_is_known_among_at_least_as_many_ids_as_promised_and_no_longer_than_a_segment_more() -> None:
    partition = Partition(known_ids=300)
    partition.send(term(1000))

    within = partition.send(term(300, start=700))
    beyond = partition.send(term(10))

    assert (within.applied, within.duplicates) == (0, 300)
    assert (beyond.applied, beyond.duplicates, beyond.beyond_horizon) == (10, 0, 10)


def test_an_event_in_order_reads_no_segment_and_a_repeat_reads_each_once() -> None:
    partition = Partition()
    for start in range(0, 400, 20):
        partition.send(term(20, start=start))
    assert partition.read == []

    partition.send([hint(1), hint(2), hint(401)])

    assert partition.read == partition.segments


def test_an_event_that_came_late_but_not_twice_counts_wherever_it_belongs() -> None:
    partition = Partition()
    partition.send(term(600))

    counts = partition.send([raw("hint", minute=number + 0.5, event_id=f"late {number}") for number in range(600)])

    assert (counts.applied, counts.duplicates) == (600, 0)


def test_what_may_lie_beyond_the_horizon_is_counted_and_what_cannot_is_not() -> None:
    partition = Partition()
    assert partition.send(term(1000)).beyond_horizon == 0

    newest_gone = decode_row(partition.stored[b"ada"]).beyond_us
    counts = partition.send(raw("hint", minute=at, event_id=f"late {at}") for at in (0.5, 500.5, 998.5))

    assert NOW_MS * 1000 + 500 * 60_000_000 < newest_gone < NOW_MS * 1000 + 998 * 60_000_000
    assert (counts.applied, counts.beyond_horizon) == (3, 2)


@pytest.mark.parametrize("late_ms", [0, -1_000])
def test_a_repeat_whose_time_is_its_records_or_later_is_known_too(late_ms: int) -> None:
    """An event without a time takes its record's, so a repeat of it is newer; so is one from the future."""
    partition = Partition()
    own_ms = NOW_MS + 60_000_000
    partition.send([raw("hint", minute=0, event_id="again")])
    partition.send(term(250, start=1))

    counts = partition.send([raw("hint", minute=1000, event_id="again")], timestamp=own_ms + late_ms)

    assert (counts.applied, counts.duplicates) == (0, 1)


def test_a_repeat_of_what_came_from_the_future_is_known_when_the_future_has_come() -> None:
    partition = Partition()
    partition.send([raw("hint", minute=5000, event_id="early")], timestamp=NOW_MS)
    partition.send(term(250))

    counts = partition.send([raw("hint", minute=5000, event_id="early")])

    assert (counts.applied, counts.duplicates) == (0, 1)


def test_an_event_of_a_far_future_spoils_neither_what_is_read_nor_what_is_counted_of_its_student_later() -> None:
    """Its own time is newer than all that will come: as the newest, it would make each later event look old."""
    partition = Partition()
    far = raw("hint", time="9999-12-31T00:00:00Z", event_id="far")
    partition.send([far], timestamp=NOW_MS)
    reading = 0
    for start in range(1, 1000, 5):
        before = len(partition.read)
        partition.send(term(5, start=start))
        reading += len(partition.read) > before

    assert partition.counts.beyond_horizon == 0
    assert reading < 40  # of 200 batches: one event in 64 has the far one's bit by chance
    assert partition.send([raw("hint", time="9999-12-31T00:00:00Z", event_id="e900")]).duplicates == 1


def test_a_repeat_with_another_newer_time_is_known_only_among_the_last_in_the_row() -> None:
    """The assumption that this rests on: the same id is the same event, and has the same time."""
    partition = Partition()
    partition.send(term(400))

    counts = partition.send([raw("hint", minute=1000, event_id="e399"), raw("hint", minute=1001, event_id="e0")])

    assert (counts.duplicates, counts.applied) == (1, 1)


def test_of_events_that_tell_one_act_the_first_counts_whatever_their_ids_and_times() -> None:
    partition = Partition()
    partition.send([raw("hint", minute=0, event_id="check", act_ids=["problem-1/attempt-1"])])
    partition.send(term(250, start=1))

    counts = partition.send(
        [
            raw("hint", minute=900, event_id="grade", act_ids=["problem-1/attempt-1"]),
            raw("hint", minute=901, event_id="problem-1/attempt-1"),
            raw("hint", minute=902, event_id="other", act_ids=["problem-1/attempt-2"]),
        ]
    )

    assert (counts.duplicates, counts.applied) == (1, 2)


@pytest.mark.parametrize("at_once", [1, 3], ids=["apart", "in one batch"])
def test_what_an_act_is_also_called_where_it_is_told_again_is_it_too(at_once: int) -> None:
    """A and B tell one act, B and C do: so A, B and C are one, though A and C have no id in common."""
    acts = (["one"], ["one", "two"], ["two"])
    values = [raw("hint", minute=at, event_id=f"e{at}", act_ids=ids) for at, ids in enumerate(acts)]
    partition = Partition()

    for start in range(0, 3, at_once):
        partition.send(values[start : start + at_once])

    assert (partition.counts.applied, partition.counts.retold) == (1, 2)


def test_what_is_known_of_an_act_since_it_was_told_again_is_known_from_segments_too() -> None:
    partition = Partition()
    partition.send(raw("hint", minute=at, event_id=f"e{at}", act_ids=ids) for at, ids in enumerate((["a"], ["a", "b"])))
    partition.send(term(250, start=2))

    counts = partition.send([raw("hint", minute=900, event_id="late", act_ids=["b"])])

    assert (counts.applied, counts.retold) == (0, 1)


def test_acts_take_as_many_of_the_ids_that_are_known_as_they_have_names() -> None:
    """What record 21 says of the horizon: three hashes an event that tells an act by a name and by its moment."""
    partition = Partition(known_ids=KNOWN_IDS)
    values = [raw("hint", minute=at, event_id=f"e{at}", act_ids=[f"act {at}", f"@{at}"]) for at in range(1000)]
    partition.send(values)

    again = partition.send(values[-KNOWN_IDS // 3 :])
    beyond = partition.send(values[:10])

    assert (again.applied, again.duplicates) == (0, KNOWN_IDS // 3 + 1)
    assert (beyond.applied, beyond.beyond_horizon) == (10, 10)


def test_an_act_is_another_students_own() -> None:
    counts = Partition().send(raw("hint", student, act_ids=["the act"]) for student in ("ada", "bo"))

    assert counts.applied == 2


def test_segments_hold_the_ids_that_the_row_has_no_room_for_and_old_ones_are_deleted() -> None:
    partition = Partition()
    for end in (MAX_ROW_IDS, MAX_ROW_IDS + 1, 400, 1000):
        partition.send(term(end - partition.sent, start=partition.sent))
        kept = min(sealed(end), segments_for(FEW))
        assert len(partition.segments) == kept
        assert len(partition.row.segments) == 8 * kept
        assert len(partition.row.ids) == 8 * (end - SEGMENT_IDS * sealed(end))
        assert {len(partition.stored[key]) for key in partition.segments} <= {8 * SEGMENT_IDS}
        assert {student_of(key) for key in partition.segments} <= {b"ada"}


def test_a_row_whose_segment_is_missing_stops_the_worker_and_says_what_to_do() -> None:
    partition = Partition()
    partition.send(term(400))
    del partition.stored[partition.segments[0]]

    with pytest.raises(Fatal, match=r"segment 0 .* is missing.*rebuild"):
        partition.send([hint(1)])


def test_a_row_of_a_former_version_knows_what_it_knew_and_learns_the_rest() -> None:
    partition = Partition(known_ids=KNOWN_IDS)
    partition.send(term(100))
    row = partition.row
    row.ids = row.ids[-8 * RECENT_IDS :]
    partition.stored[b"ada"] = encode_row(row)

    partition.send(term(300, start=100))
    counts = partition.send(term(400))

    assert (counts.duplicates, counts.applied) == (400 - (100 - RECENT_IDS), 100 - RECENT_IDS)


# -- laws


@st.composite
def sendings(draw: st.DrawFn) -> list[bytes]:
    """Runs of a long history of two students, again and again from anywhere, some newer than their time, some acts."""
    values: list[bytes] = []
    end = 0
    for _ in range(draw(st.integers(1, 8))):
        student = draw(st.sampled_from(["ada", "ada", "bo"]))
        new = draw(st.booleans())
        start = end if new else draw(st.integers(0, end))
        count = draw(st.integers(1, 200))
        names = draw(st.integers(0, 2))
        acts, moved = draw(st.booleans()), draw(st.sampled_from([0, 0, 0, 3000]))
        for number in range(start, start + count):
            named = [f"act {number}", f"act {number + 3}"][:names]
            act = {"act_ids": [*named, f"@{number // 4}"]} if acts and number % 3 == 0 else {}
            values.append(raw("hint", student, minute=number + moved, event_id=f"e{number}", **act))
        end = max(end, start + count)
    return values


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_rows_segments_and_counts_are_the_same_however_what_is_sent_is_cut(data: st.DataObject) -> None:
    values = data.draw(sendings())
    whole, cut = Partition(), Partition()

    whole.send(values)
    for batch in data.draw(cuts(values)):
        cut.send(batch)

    assert cut.stored == whole.stored
    cut.counts.records_in = whole.counts.records_in
    assert cut.counts == whole.counts


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 900), st.integers(1, 250)), min_size=1, max_size=8),
    st.integers(1, 300),
)
def test_a_repeat_within_the_horizon_never_counts_and_a_new_event_always_does(
    runs: list[tuple[int, int]], at_once: int
) -> None:
    partition, known = Partition(), list[int]()
    numbers = [number for start, count in runs for number in range(start, start + count)]
    for begin in range(0, len(numbers), at_once):
        part = numbers[begin : begin + at_once]
        before = len(known)
        for number in part:
            first = SEGMENT_IDS * max(0, sealed(len(known)) - segments_for(FEW))
            assert len(known) - first >= min(len(known), FEW)
            if number not in known[first:]:
                known.append(number)
        counts = partition.send(map(hint, part))
        assert counts.applied == len(known) - before
        assert counts.duplicates == len(part) - counts.applied
