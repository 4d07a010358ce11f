"""Folding whole batches as arrays comes to what folding event by event comes to, in every bit of every row."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NativeEvent
from streams.folding.fold import Folding
from streams.folding.history import FoldOutcome
from streams.input.origin import Origin
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import HALF_LIFE_US, Row
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills
from streams.vocabulary import skill_code
from tests.events import NOW_US, default_skills, event, own_time_us
from tests.unit.reference_folding import ReferenceFolding
from tests.unit.strategies import century, cuts, events

STUDENTS: Final = ("ada", "bo", "chi")
LATEST_US: Final = 4_102_444_800_000_000


class Noted(NamedTuple):
    """An event, the time of its record, and where it came from if it was forwarded."""

    event: NativeEvent
    now_us: int = LATEST_US
    origin: Origin | None = None


@dataclass(frozen=True)
class Skills:
    """One skill set, ready for either way of folding."""

    folding: Folding
    reference: ReferenceFolding

    @classmethod
    def of(cls, skill_set: SkillSet) -> "Skills":
        return cls(Folding.of(skill_set), ReferenceFolding.of(skill_set))


DEFAULT: Final = Skills.of(default_skills())
OTHER: Final = Skills.of(load_skills("course_success"))
Batches = list[tuple[Skills, list[Noted]]]


@st.composite
def noted(draw: st.DrawFn) -> list[Noted]:
    """Events of three students over a century, some repeated, late, forwarded, or from the future of their records."""
    one = events(at=century) | events(at=century, kinds=("control", "message", "reflection", "rubric"))
    taken = draw(st.lists(one, max_size=40))
    clocks = st.sampled_from([NOW_US, LATEST_US])
    came_from = st.tuples(st.integers(1, 10), st.integers(0, 9), st.integers(0, 1))
    origins = st.one_of(st.none(), st.none(), st.none(), came_from)
    return [Noted(each, draw(clocks | st.just(own_time_us(each))), draw(origins)) for each in taken]


def in_columns(batches: Batches) -> tuple[list[bytes], list[FoldOutcome]]:
    """Each batch folded at once into a block of what the former batch left, as it is stored."""
    rows: list[bytes] = [encode_row(Row())] * len(STUDENTS)
    outcomes = []
    for skills, batch in batches:
        row_batch = RowBatch.of(rows, skills.folding.names)
        folded = skills.folding.fold(
            row_batch,
            [STUDENTS.index(one.event.student_id) for one in batch],
            [one.event for one in batch],
            [one.now_us for one in batch],
            {place: one.origin for place, one in enumerate(batch) if one.origin is not None},
        )
        new = [
            place for place, outcome in enumerate(folded.outcomes) if outcome in (FoldOutcome.APPLIED, FoldOutcome.LATE)
        ]
        assert folded.new.tolist() == new
        assert folded.clamped == sum(own_time_us(batch[place].event) > batch[place].now_us for place in new)
        outcomes += folded.outcomes
        rows = row_batch.encode()
    return rows, outcomes


def one_by_one(batches: Batches) -> tuple[list[Row], list[FoldOutcome]]:
    """The same by the reference."""
    rows = {student: Row() for student in STUDENTS}
    outcomes = [skills.reference.fold(rows[one.event.student_id], *one) for skills, batch in batches for one in batch]
    return list(rows.values()), outcomes


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_every_bit_is_as_if_folded_one_by_one_however_events_are_cut(data: st.DataObject) -> None:
    batches = [(DEFAULT, batch) for batch in data.draw(cuts(data.draw(noted())))]

    stored, outcomes = in_columns(batches)
    expected, expected_outcomes = one_by_one(batches)

    assert outcomes == expected_outcomes
    assert [decode_row(row) for row in stored] == expected
    assert stored == [encode_row(row) for row in expected]


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_same_while_the_skill_set_changes_back_and_forth(data: st.DataObject) -> None:
    batches = [(data.draw(st.sampled_from([DEFAULT, OTHER])), batch) for batch in data.draw(cuts(data.draw(noted())))]

    stored, outcomes = in_columns(batches)
    expected, expected_outcomes = one_by_one(batches)

    assert outcomes == expected_outcomes
    assert [decode_row(row) for row in stored] == expected
    assert [encode_row(decode_row(row)) for row in stored] == [encode_row(row) for row in expected]


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_a_block_folded_into_again_and_again_is_as_if_stored_in_between(data: st.DataObject) -> None:
    cut = data.draw(cuts(data.draw(noted())))
    row_batch = RowBatch.of([None] * len(STUDENTS), DEFAULT.folding.names)

    for batch in cut:
        taken = [one for one in batch if one.origin is None]
        lines = [STUDENTS.index(one.event.student_id) for one in taken]
        DEFAULT.folding.fold(row_batch, lines, [one.event for one in taken], [one.now_us for one in taken])

    stored, _ = in_columns([(DEFAULT, [one for one in batch if one.origin is None]) for batch in cut])
    assert row_batch.encode() == stored


@settings(deadline=None)
@given(st.permutations(range(8)))
def test_of_evidence_of_equal_rank_the_same_is_kept_whatever_came_first(order: list[int]) -> None:
    reported_by = [event("rubric", rating=rating, event_id=str(rating)) for rating in (0.0, 0.005, 0.49, 0.51)]
    reported_by += [event("collaboration", act="helped", event_id=f"helped {number}") for number in range(4)]
    batch = [Noted(reported_by[number]) for number in order]

    [ada, *_], _ = in_columns([(DEFAULT, batch)])

    shown = [(one.value, one.weight) for one in decode_row(ada).skills[skill_code("empathy")].evidence_items]
    assert shown == [(0.005, -20), (0.0, -20), (1.0, 8)]


def test_a_weight_that_would_overflow_moves_the_reference_of_its_own_student_alone() -> None:
    decades = 30 * 366 * 1440
    batch = [
        Noted(event(student=student, minute=minute, score=0.5))
        for student, minutes in (("ada", (-decades, -1, 0)), ("bo", (-5, -3, -1)))
        for minute in minutes
    ]

    stored, _ = in_columns([(DEFAULT, [batch[at] for at in (0, 3, 1, 4, 2, 5)])])
    ada, bo, _ = (decode_row(row) for row in stored)

    assert (NOW_US - ada.first_us) / HALF_LIFE_US > 256
    assert ada.reference_us == NOW_US - 60_000_000
    assert bo.reference_us == bo.first_us
    assert ada.facts[0].n == bo.facts[0].n == 3
    assert 2 < ada.facts[0].recent_n < 2.01


def test_sums_of_a_skill_that_is_not_configured_move_with_the_reference_too() -> None:
    rated = Noted(event("rubric", skill="empathy", rating=1.0, minute=-30 * 366 * 1440))
    batches = [(DEFAULT, [rated]), (OTHER, [Noted(event("submission"))])]

    [ada, *_], _ = in_columns(batches)
    [expected, *_], _ = one_by_one(batches)

    assert decode_row(ada) == expected
