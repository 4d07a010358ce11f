"""Knowledge components: which attempts are answers, what a row keeps of them, and which go where there are too many."""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.event import NativeEvent
from streams.folding.fold import Folding
from streams.folding.history import FoldOutcome
from streams.replay import FileRecord
from streams.rows.codec import decode_row, encode_row
from streams.rows.components import ComponentBatch, ComponentTotals, component_code, components_of
from streams.rows.layout import COMPONENTS_VERSION, EXTENDED_VERSION, ROW_VERSION
from streams.rows.row import HALF_LIFE_US, MAX_ROW_BYTES, MAX_VOIDABLE, MAX_VOIDABLE_OF_EVENT, Row
from streams.rows.row_batch import RowBatch
from tests.events import NOW_MS, NOW_US, default_skills, event, processed, raw, records, rows_of
from tests.stepped import CHANNELS, Stepped, owning_partition
from tests.unit.reference_folding import ReferenceFolding
from tests.unit.strategies import century, cuts, events
from tests.unit.test_folding_exactly import LATEST_US

DECADES: Final = 30 * 366 * 1440


@dataclass
class Pupil:
    """One student, of whom a row keeps `most` components; what is folded in one call is one batch."""

    most: int = 64
    stored: bytes = field(default_factory=lambda: encode_row(Row()))
    given_up: int = 0

    def fold(self, *some: NativeEvent) -> list[FoldOutcome]:
        folding = Folding.of(default_skills(), components=self.most)
        row_batch = RowBatch.of([self.stored], folding.names)
        folded = folding.fold(row_batch, [0] * len(some), some, [LATEST_US] * len(some))
        [self.stored] = row_batch.encode()
        self.given_up += folded.given_up
        return folded.outcomes

    @property
    def row(self) -> Row:
        return decode_row(self.stored)

    @property
    def counts(self) -> dict[str, tuple[int, int]]:
        """Wins and fails."""
        return {each.name: (each.wins, each.fails) for each in components_of(self.row.components)}


def answer(event_id: str = "e", *kcs: str, **given: Any) -> NativeEvent:
    return event("attempt", event_id=event_id, kcs=list(kcs or ("a",)), **given)


def folded(*some: NativeEvent, most: int = 64) -> Pupil:
    pupil = Pupil(most)
    pupil.fold(*some)
    return pupil


WIN, FAIL, NONE = (1, 0), (0, 1), None
RULES: Final[list[tuple[dict[str, Any], tuple[int, int] | None]]] = [
    ({"score": 1.0}, WIN),
    ({"score": 0.5}, WIN),
    ({"score": 0.49}, FAIL),
    ({"score": 0.6, "success": False}, FAIL),
    ({"score": 0.1, "success": True}, WIN),
    ({"score": 1.0, "hints": 1}, FAIL),
    ({"score": 0.0, "hints": 3}, FAIL),
    ({"score": 1.0, "attempt": 2}, NONE),
    ({"score": 0.0, "attempt": 2}, NONE),
    ({"score": 1.0, "duration_s": 1.99}, NONE),
    ({"score": 0.0, "duration_s": 0.0}, NONE),
    ({"score": 1.0, "duration_s": 2.0}, WIN),
]


@pytest.mark.parametrize(("said", "counted"), RULES, ids=str)
def test_an_attempt_is_a_win_or_a_fail_or_no_answer(said: dict[str, Any], counted: tuple[int, int] | None) -> None:
    pupil = folded(answer(**said))

    assert pupil.counts == ({} if counted is None else {"a": counted})
    assert pupil.row.facts[0].n == 1, "it counts as an attempt all the same"


def test_every_component_of_an_item_is_answered_once() -> None:
    assert folded(answer("e", "a", "b", "a", score=0.0)).counts == {"a": FAIL, "b": FAIL}


def test_a_repeat_counts_no_answer() -> None:
    assert folded(answer("e"), answer("e")).counts == {"a": WIN}


def test_a_row_of_items_that_are_not_known_is_of_version_5_from_its_first_answer_on() -> None:
    unknown = "no-item:ada-1"
    pupil = folded(event("attempt", event_id="e0", item_id=unknown), answer("rapid", duration_s=0.5, item_id=unknown))
    assert pupil.stored[0] == ROW_VERSION

    pupil.fold(answer("e1", item_id=unknown))

    assert pupil.stored[0] == COMPONENTS_VERSION
    pupil.fold(event("message", event_id="m", text="hello"))
    assert (pupil.stored[0], pupil.counts) == (COMPONENTS_VERSION, {"a": WIN})
    pupil.fold(event("failure", event_id="f", minute=20 * 1440))
    assert (pupil.stored[0], pupil.counts) == (EXTENDED_VERSION, {"a": WIN})


def test_sums_decay_to_the_reference_time_and_follow_it() -> None:
    half_life_min = HALF_LIFE_US // 60_000_000
    pupil = folded(answer("e0", minute=0, score=0.0), answer("e1", minute=half_life_min))
    [a] = components_of(pupil.row.components)
    assert a == ComponentTotals("a", 1, 1, 2.0, 1.0, (NOW_US + HALF_LIFE_US) // 1_000_000)

    pupil.fold(event("hint", minute=DECADES))  # an event without components moves the reference time

    [a] = components_of(pupil.row.components)
    assert pupil.row.reference_us == NOW_US + DECADES * 60_000_000
    assert 0 < a.recent_fails == a.recent_wins / 2 < 1e-70


def test_answers_of_many_rows_are_read_as_arrays() -> None:
    rows = [folded(answer("e", *kcs)).row.components for kcs in ("ab", "c")] + [b""]

    batch = ComponentBatch.of(rows)

    names = dict(zip(batch.names(), batch.owner.tolist(), strict=True))
    assert names == {b"a": 0, b"b": 0, b"c": 1}
    assert batch.records["wins"].tolist() == [1, 1, 1]
    assert [batch.names(np.array(at, np.intp)) for at in ([2], [], [1, 0])] == [
        batch.names()[2:],
        [],
        batch.names()[1::-1],
    ]
    assert len(ComponentBatch.of([]).records) == 0


def test_two_names_of_one_code_are_one_component_under_the_first() -> None:
    assert folded(answer("e0", "plumless", "buckeroo"), answer("e1", "buckeroo")).counts == {"plumless": (2, 0)}
    assert folded(answer("e1", "buckeroo"), answer("e0", "plumless", score=0.0)).counts == {"buckeroo": (1, 1)}


# -- the bound


def test_beyond_the_bound_the_component_with_the_oldest_answer_goes() -> None:
    pupil = folded(answer("e0", "a", minute=0), answer("e1", "b", minute=1), answer("e2", "a", minute=2), most=2)

    pupil.fold(answer("e3", "c", minute=3))

    assert (pupil.counts, pupil.given_up) == ({"a": (2, 0), "c": WIN}, 1)
    pupil.fold(answer("e4", "d", minute=0.5))
    assert (pupil.counts, pupil.given_up) == ({"a": (2, 0), "c": WIN}, 2), "what comes late is the oldest itself"


def test_what_was_given_up_begins_anew() -> None:
    several = [answer(str(n), name, minute=n) for n, name in enumerate("aabca")]

    assert folded(*several, most=2).counts == {"a": WIN, "c": WIN}


def test_a_narrower_bound_takes_nothing_before_the_next_component_comes() -> None:
    pupil = folded(*(answer(name, name, minute=n) for n, name in enumerate("abcd")))
    pupil.most = 2

    pupil.fold(answer("again", "d", minute=9))
    assert len(pupil.counts) == 4
    pupil.fold(answer("new", "e", minute=10))

    assert (set(pupil.counts), pupil.given_up) == ({"d", "e"}, 3)


def test_components_that_gave_way_are_counted_and_the_row_stays_within_its_bound() -> None:
    names = ["\U0001f600" * 62 + f"{number:02}" for number in range(100)]
    values = [raw(event_id=f"e{n}", kcs=names[n : n + 4], minute=n / 60) for n in range(0, 100, 4)]

    batch = processed(records(values))

    [stored] = rows_of(batch).values()
    assert batch.counts.components_given_up == 36
    assert {each.name for each in components_of(decode_row(stored).components)} == set(names[36:])
    assert len(stored) <= MAX_ROW_BYTES


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_with_little_room_every_bit_is_as_if_folded_one_by_one_however_events_are_cut(data: st.DataObject) -> None:
    most = data.draw(st.integers(1, 3))
    several = data.draw(st.lists(events(at=century, kinds=("attempt", "attempt", "hint")), max_size=30))
    reference, row = ReferenceFolding.of(default_skills(), most), Row()
    in_batches, one_by_one = Pupil(most), Pupil(most)

    for batch in data.draw(cuts(several)):
        in_batches.fold(*batch)
    for each in several:
        one_by_one.fold(each)
        reference.fold(row, each, LATEST_US)

    assert in_batches.row == row
    assert in_batches.given_up == one_by_one.given_up


# -- voids


def void(event_id: str, number: int = 0) -> NativeEvent:
    return event("voided", event_id=f"v{event_id}{number}", voided_id=event_id)


@pytest.mark.parametrize("at_once", [True, False], ids=["in one batch", "apart"])
def test_a_voided_answer_counts_no_more_and_a_component_without_answers_goes(at_once: bool) -> None:
    taken = [
        answer("e0", "a"),
        answer("e1", "a", "b", voidable=True, score=0.0, minute=1),
        answer("e2", "c", voidable=True, minute=2),
        void("e1"),
        void("e2"),
    ]
    pupil = Pupil()

    for batch in [taken] if at_once else [[each] for each in taken]:
        pupil.fold(*batch)

    [a] = components_of(pupil.row.components)
    assert (a.name, a.wins, a.fails, a.recent_wins, a.recent_fails) == ("a", 1, 0, 1.0, 0.0)


def test_when_all_answers_are_voided_the_row_is_of_version_4_again() -> None:
    assert folded(answer("e", voidable=True), void("e")).stored[0] == ROW_VERSION


def test_as_many_events_can_be_voided_as_without_components() -> None:
    def held(**given: Any) -> int:
        pupil = folded(*(event("attempt", event_id=str(n), voidable=True, **given) for n in range(MAX_VOIDABLE)))
        assert len(pupil.row.voidable) // 32 <= MAX_VOIDABLE_OF_EVENT
        return sum(pupil.fold(void(str(n))) == [FoldOutcome.APPLIED] for n in range(MAX_VOIDABLE))

    assert held(kcs=list("abcdefgh")) == held() == MAX_VOIDABLE // 2


def test_an_answer_that_went_with_its_component_is_not_taken_from_the_one_that_came_back() -> None:
    pupil = folded(answer("e0", "a", voidable=True), answer("e1", "b", minute=1), answer("e2", "a", minute=2), most=1)

    assert pupil.fold(void("e0")) == [FoldOutcome.APPLIED]

    assert pupil.counts == {"a": WIN}


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_voids_and_a_full_row_come_to_the_same_however_events_are_cut(data: st.DataObject) -> None:
    most = data.draw(st.integers(1, 4))
    several = data.draw(st.lists(events(at=century, kinds=("attempt", "attempt", "voided")), max_size=30))
    whole, cut = Pupil(most), Pupil(most)

    outcomes = whole.fold(*several)

    assert [outcome for batch in data.draw(cuts(several)) for outcome in cut.fold(*batch)] == outcomes
    assert (cut.row, cut.given_up) == (whole.row, whole.given_up)


@settings(max_examples=60, deadline=None)
@given(st.lists(events(at=century, kinds=("attempt",)), max_size=8, unique_by=lambda one: one.event_id), st.data())
def test_what_is_voided_is_as_if_it_had_never_been_sent(several: list[NativeEvent], data: st.DataObject) -> None:
    sent = [structs.replace(one, voidable=data.draw(st.booleans())) for one in several]
    pupil = folded(*sent)

    kept = [one for one in sent if pupil.fold(void(one.event_id)) == [FoldOutcome.IGNORED]]

    # By code: which of two names that share one is shown may be that of an answer that is gone.
    assert by_code(pupil.counts) == by_code(folded(*kept).counts)


def by_code(counts: dict[str, tuple[int, int]]) -> dict[int, tuple[int, int]]:
    return {component_code(name.encode()): each for name, each in counts.items()}


# -- erasure


def test_components_go_with_a_student_who_is_erased() -> None:
    worker, student = Stepped(), b"ada"
    partition = owning_partition(student)

    def send(topic: str, offset: int, value: bytes) -> Row:
        at_ms = NOW_MS + 3_600_000 + offset
        worker.take(topic, partition, [FileRecord(offset, at_ms, value, topic, partition, student)])
        return decode_row(worker.rows.get(partition, student) or b"")

    assert send(CHANNELS.activity, 0, raw(event_id="e0", kcs=["a", "b"])).components
    assert send(CHANNELS.erasures, 1, b"{}").components == b""
    [component] = components_of(send(CHANNELS.activity, 2, raw(event_id="e1", kcs=["c"])).components)
    assert component.name == "c"
