"""A voidable event can be taken back, for a while, as if it had never been told."""

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from schemas.event import NativeEvent, Voided
from streams.folding.history import FoldOutcome
from streams.rows.row import MAX_VOIDABLE, Row, SkillState, Totals
from streams.vocabulary import skill_code
from tests.events import NOW, NOW_US, Student, event, processed, raw, records
from tests.unit.strategies import KINDS, WITH_VOIDS, century, cuts, events

LATER_US = NOW_US + 3_600_000_000
UNORDERED = tuple(kind for kind in KINDS if kind not in {"attempt", "control"})
LAST_DAYS = st.integers(-90, 0).map(lambda days: (NOW + timedelta(days=days)).isoformat())
NOTED = st.lists(events(at=LAST_DAYS, kinds=(*UNORDERED, "voided")), max_size=12, unique_by=lambda one: one.event_id)


def void(event_id: str, void_id: str = "v") -> NativeEvent:
    return event("voided", event_id=void_id, voided_id=event_id)


def folded(*noted: NativeEvent) -> tuple[Row, list[FoldOutcome]]:
    student = Student()
    outcomes = [student.fold(one, LATER_US) for one in noted]
    return student.row, outcomes


def assert_same_sums(row: Row, expected: Row) -> None:
    """Facts and cells, but for what was newest and at which time sums are kept."""
    assert row.facts.keys() == expected.facts.keys()
    for fact, totals in expected.facts.items():
        assert_close(row.facts[fact], totals, ("n", "total", "squares"))
    for skill in row.skills.keys() | expected.skills.keys():
        ours, theirs = row.skills.get(skill, SkillState()), expected.skills.get(skill, SkillState())
        assert_close(ours, theirs, ("text_n", "text_total", "rubric_n", "rubric_total"))


def assert_close(ours: Totals | SkillState, theirs: Totals | SkillState, names: tuple[str, ...]) -> None:
    for name in names:
        assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize(
    "voided",
    [
        event("attempt", event_id="x", item_id="q2", score=0.9, hints=2, duration_s=30.0, voidable=True),
        event("message", event_id="x", text="so sad, I understand how you feel", in_reply_to="m", voidable=True),
        event("rubric", event_id="x", skill="empathy", rating=0.9, voidable=True),
        event("session", event_id="x", phase="start", voidable=True),
    ],
    ids=lambda one: type(one).__name__,
)
def test_what_is_voided_counts_no_more(voided: NativeEvent) -> None:
    other = event("attempt", event_id="other", score=0.4)

    row, outcomes = folded(other, voided, void("x"))
    expected, _ = folded(other)

    assert outcomes == [FoldOutcome.APPLIED] * 3
    assert_same_sums(row, expected)
    noted = {
        skill: skill_state.evidence_items for skill, skill_state in row.skills.items() if skill_state.evidence_items
    }
    assert noted == {
        skill: skill_state.evidence_items
        for skill, skill_state in expected.skills.items()
        if skill_state.evidence_items
    }


def test_what_was_voided_stays_so_when_it_is_sent_again() -> None:
    voided = event("attempt", event_id="x", voidable=True)

    row, outcomes = folded(voided, void("x"), voided, void("x", "v2"))

    assert outcomes == [FoldOutcome.APPLIED, FoldOutcome.APPLIED, FoldOutcome.DUPLICATE, FoldOutcome.IGNORED]
    assert row.facts == {}


@pytest.mark.parametrize("noted", [[], [event("attempt", event_id="x")]], ids=["unknown", "not voidable"])
def test_what_cannot_be_voided_is_ignored_and_counted_by_name(noted: list[NativeEvent]) -> None:
    values = [raw("attempt", event_id="x") for _ in noted] + [raw("voided", event_id="v", voided_id="x")]

    batch = processed(records(values))

    assert (batch.counts.applied, batch.counts.ignored) == (len(noted), 1)
    assert batch.counts.unknown == {("native", "voided_not_held"): 1}


def test_only_the_last_voidable_events_can_be_voided_and_each_as_a_whole() -> None:
    student = Student()
    for number in range(MAX_VOIDABLE):
        student.fold(event("attempt", event_id=str(number), score=0.9, duration_s=5.0, voidable=True), LATER_US)
    assert student.fold(void("0"), LATER_US) is FoldOutcome.IGNORED

    held = [
        number for number in range(MAX_VOIDABLE) if student.fold(void(str(number)), LATER_US) is FoldOutcome.APPLIED
    ]

    assert held == list(range(MAX_VOIDABLE - len(held), MAX_VOIDABLE))
    assert len(held) == MAX_VOIDABLE // 3  # attempted, passed, worked
    assert {totals.n for totals in student.row.facts.values()} == {MAX_VOIDABLE - len(held)}


@settings(max_examples=100, deadline=None)
@given(NOTED, st.data())
def test_voiding_all_that_can_be_voided_leaves_what_could_not_be(noted: list[NativeEvent], data: st.DataObject) -> None:
    first_events = [structs.replace(one, act_ids=None) for one in noted if not isinstance(one, Voided)][:3]
    student, rest = Student(), Student()
    for either in (student, rest):
        either.fold(event("session", event_id="first"), LATER_US)  # sums are kept at the first event's time
    for one in first_events:
        student.fold(one, LATER_US)
        if not one.voidable:
            rest.fold(one, LATER_US)
    voidable = [one.event_id for one in first_events if one.voidable]
    for event_id in data.draw(st.permutations(voidable)):
        student.fold(void(event_id, f"void {event_id}"), LATER_US)

    assert_same_sums(student.row, rest.row)
    assert student.row.voidable == b""


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_voids_come_to_the_same_however_events_are_cut_into_batches(data: st.DataObject) -> None:
    noted = data.draw(st.lists(events(at=century, kinds=WITH_VOIDS), max_size=40))
    batches = data.draw(cuts([(one, LATER_US) for one in noted]))
    at_once, in_batches = Student(), Student()

    outcomes = at_once.fold_all([one for batch in batches for one in batch])

    assert [outcome for batch in batches for outcome in in_batches.fold_all(batch)] == outcomes
    assert in_batches.row == at_once.row


def test_a_void_and_what_it_voids_may_share_a_batch_in_either_order() -> None:
    voided = event("attempt", event_id="x", voidable=True)
    first, second = Student(), Student()

    assert first.fold_all([(voided, LATER_US), (void("x"), LATER_US)]) == [FoldOutcome.APPLIED, FoldOutcome.APPLIED]
    assert second.fold_all([(void("x"), LATER_US), (voided, LATER_US)]) == [FoldOutcome.IGNORED, FoldOutcome.APPLIED]

    assert first.row.facts == {}
    assert second.row.facts[0].n == 1
    assert skill_code("empathy") not in first.row.skills


# -- acts


def tell(event_id: str, *act_ids: str, minute: int = 0) -> NativeEvent:
    return event("attempt", event_id=event_id, minute=minute, voidable=True, act_ids=list(act_ids))


@pytest.mark.parametrize("at_once", [1, 99], ids=["apart", "in one batch"])
def test_of_what_tells_an_act_whose_event_was_voided_exactly_the_next_counts(at_once: int) -> None:
    """A statement that was wrong is voided, and sent again as it should have been."""
    noted = [
        tell("wrong", "#1", "@noon"),
        void("wrong"),
        tell("wrong", "#1", "@noon"),
        tell("right", "#1", "@noon"),
        tell("grade", "#1"),
        tell("twin", "@noon"),
    ]

    outcomes, row = in_batches(noted, at_once)

    retold = [FoldOutcome.DUPLICATE, FoldOutcome.APPLIED, FoldOutcome.RETOLD, FoldOutcome.RETOLD]
    assert outcomes == [FoldOutcome.APPLIED, FoldOutcome.APPLIED, *retold]
    assert row.facts[0].n == 1


def in_batches(noted: list[NativeEvent], at_once: int) -> tuple[list[FoldOutcome], Row]:
    student = Student()
    outcomes = []
    for start in range(0, len(noted), at_once):
        outcomes += student.fold_all([(one, LATER_US) for one in noted[start : start + at_once]])
    return outcomes, student.row


@pytest.mark.parametrize("at_once", [1, 99], ids=["apart", "in one batch"])
def test_an_act_may_be_corrected_again_and_again(at_once: int) -> None:
    noted = [each for number in range(20) for each in (tell(f"e{number}", "#1"), void(f"e{number}", f"v{number}"))]

    outcomes, row = in_batches(noted, at_once)

    assert outcomes == [FoldOutcome.APPLIED] * 40
    assert row.facts == {}


@pytest.mark.parametrize("at_once", [1, 99], ids=["apart", "in one batch"])
def test_all_names_that_a_voided_act_was_told_by_are_free(at_once: int) -> None:
    noted = [tell("a", "one"), tell("b", "one", "two"), void("a"), tell("c", "two"), tell("d", "one")]

    outcomes, _ = in_batches(noted, at_once)

    assert outcomes[1] is FoldOutcome.RETOLD
    assert outcomes[2:] == [FoldOutcome.APPLIED] * 3


@pytest.mark.parametrize("at_once", [1, 99], ids=["apart", "in one batch"])
def test_the_moment_of_a_voided_act_stays_known_while_another_act_has_it(at_once: int) -> None:
    noted = [tell("a", "#1", "@noon"), tell("b", "#2", "@noon"), void("a"), tell("twin", "@noon"), tell("c", "#1")]

    outcomes, _ = in_batches(noted, at_once)

    assert outcomes[3:] == [FoldOutcome.RETOLD, FoldOutcome.APPLIED]


@pytest.mark.parametrize("at_once", [1, 99], ids=["apart", "in one batch"])
def test_a_void_that_finds_nothing_frees_no_act(at_once: int) -> None:
    """What the event added is still counted, so whatever tells its act again would count twice."""
    pushing_out = [tell(f"e{number}", f"#{number}", minute=number) for number in range(1, MAX_VOIDABLE)]

    outcomes, _ = in_batches([tell("e0", "#0"), *pushing_out, void("e0"), tell("again", "#0")], at_once)

    assert outcomes[-2:] == [FoldOutcome.IGNORED, FoldOutcome.RETOLD]


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_of_each_act_one_event_counts_that_is_not_voided(data: st.DataObject) -> None:
    """By names alone, which are more than rows forget of: a model in sets, told one by one."""
    turns = data.draw(st.lists(st.tuples(st.none() | st.integers(0, 29), st.sampled_from("abc")), max_size=30))
    noted = [
        tell(f"e{number}", act, minute=number % 3) if voided is None else void(f"e{voided}", f"v{number}")
        for number, (voided, act) in enumerate(turns)
    ]
    counted: dict[str, str] = {}
    expected = []
    for one in noted:
        if isinstance(one, Voided):
            held = counted.pop(one.voided_id, None)
            expected.append(FoldOutcome.IGNORED if held is None else FoldOutcome.APPLIED)
        else:
            [act] = one.act_ids or ()
            expected.append(FoldOutcome.RETOLD if act in counted.values() else FoldOutcome.APPLIED)
            if act not in counted.values():
                counted[one.event_id] = act

    outcomes, row = in_batches(noted, data.draw(st.integers(1, 30)))

    assert outcomes == expected
    assert row.facts.keys() == ({0, 1} if counted else set())
    assert not counted or row.facts[0].n == len(counted)
