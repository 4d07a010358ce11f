"""What verify finds in the sums of items: partitions as a worker with a journal of norms leaves them."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from streams.input.checkpoint import CHECKPOINT_KEY, CHECKPOINT_VERSION, InputCheckpoint, encode_checkpoint
from streams.norms.first_answers import NO_FIRST_ANSWERS, AnswersOfRows
from streams.norms.journal import NormJournal
from streams.norms.journal_keys import PAGES, entry_key, is_of_journal
from streams.norms.layout import RIGHT, pack_answer
from streams.pipeline import PartitionResult
from streams.replay import FileRecord
from tests.events import NOW_MS
from tests.unit.verified import Verdict, World, at_us

MOST = 100 * PAGES


def unchanged(answers: AnswersOfRows) -> AnswersOfRows:
    return answers


@dataclass
class JournaledWorld(World):
    """A worker that keeps a journal of first answers, after `change`."""

    journal: NormJournal = field(default_factory=lambda: NormJournal.restore({}, None, 0, MOST))
    change: Callable[[AnswersOfRows], AnswersOfRows] = unchanged
    checkpoint: InputCheckpoint = field(default_factory=lambda: InputCheckpoint(CHECKPOINT_VERSION, "id", 1, 0, -1))

    def fold(self, records: Sequence[FileRecord], failing: Collection[str] = ()) -> PartitionResult:
        result = super().fold(records, failing)
        self.append(result.rows, self.change(result.first_answers), records[-1].offset)
        return result

    def append(self, rows: Mapping[bytes, bytes | None], answers: AnswersOfRows, offset: int) -> None:
        """The journal's records of a batch, and its checkpoint."""
        groups, number = self.journal.group(rows, answers, NOW_MS // 1000)
        for key, value in [each for group in groups for each in group.records.items()]:
            self.put(key, value)
        self.note(offset, number)

    def note(self, offset: int, number: int) -> None:
        """A checkpoint."""
        self.checkpoint = InputCheckpoint(CHECKPOINT_VERSION, "id", 1, self.epoch, offset, norms=number)
        self.put(CHECKPOINT_KEY, encode_checkpoint(self.checkpoint))

    def put(self, key: bytes, value: bytes) -> None:
        self.changelog.append(FileRecord(len(self.changelog), NOW_MS, value, "said", 0, key))

    def answer(self, events: int, students: int = 6) -> None:
        """Events of students in turn, at items in turn."""
        for number in range(events):
            self.event(
                f"s{number % students}",
                item_id=f"q{number % 7}",
                course_id=f"c{number % 2}",
                score=number % 3 / 2,
                duration_s=40.0 + number,
                voidable=True,
            )

    def fold_rest(self, begin: int = 0, batch: int = 10) -> None:
        for start in range(begin, len(self.input), batch):
            self.fold(self.input[start : start + batch])


def a_school(events: int = 60) -> JournaledWorld:
    world = JournaledWorld()
    world.answer(events)
    world.fold_rest()
    return world


def sums_found(verdict: Verdict) -> list[str]:
    assert {each.kind for each in verdict.differences} <= {"norms"}
    return [each.what for each in verdict.differences]


# -- what is right


def test_the_sums_that_a_worker_leaves_are_exact() -> None:
    world = a_school()
    verdict = world.verify()

    assert len(world.journal.sums()) == 7
    assert (sums_found(verdict), verdict.norms_not_judged) == ([], [])


def test_passes_over_slices_of_students_add_up() -> None:
    world = JournaledWorld()
    world.answer(300, students=60)
    world.fold_rest(batch=25)
    verdict = world.verify(memory_bytes=40_000)

    assert verdict.passes > 1
    assert (sums_found(verdict), verdict.norms_not_judged) == ([], [])


def test_voids_and_repeats_are_compared_too() -> None:
    world = a_school()
    before = world.journal.sums().records["answers"].sum()
    world.input.append(replace(world.input[50], offset=60))
    world.event("s1", "voided", voided_id="e55")
    world.fold_rest(60)

    assert world.journal.sums().records["answers"].sum() == before - 1
    assert sums_found(world.verify()) == []


def test_answers_count_from_where_the_journal_began() -> None:
    world = JournaledWorld()
    world.answer(60)
    for start in (0, 10):
        World.fold(world, world.input[start : start + 10])
    world.note(19, -1)
    world.journal = NormJournal.restore({}, world.checkpoint, 0, MOST)
    world.fold_rest(20)
    verdict = world.verify()

    assert world.journal.begin == 19
    assert (sums_found(verdict), verdict.norms_not_judged) == ([], [])


def test_a_worker_without_norms_has_nothing_to_be_judged() -> None:
    world = JournaledWorld()
    world.answer(20)
    World.fold(world, world.input)
    world.note(19, -1)
    verdict = world.verify()

    assert (sums_found(verdict), verdict.norms_not_judged) == ([], [])


# -- planted faults


def a_school_with(change: Callable[[AnswersOfRows], AnswersOfRows]) -> JournaledWorld:
    """A school whose fourth batch was journaled otherwise than it was folded."""
    world = JournaledWorld()
    world.answer(60)
    for start in range(0, 60, 10):
        world.change = change if start == 30 else unchanged
        world.fold(world.input[start : start + 10])
    return world


def one_answer_right(answers: AnswersOfRows) -> AnswersOfRows:
    said = answers.answers.copy()
    said["answer"][0] = pack_answer(RIGHT, 0.75)
    return replace(answers, answers=said)


def twice(answers: AnswersOfRows) -> AnswersOfRows:
    of = {key: (2 * start, 2 * end) for key, (start, end) in answers.of.items()}
    return replace(answers, answers=np.repeat(answers.answers, 2), of=of)


def nothing(_answers: AnswersOfRows) -> AnswersOfRows:
    return NO_FIRST_ANSWERS


def test_an_answer_that_was_journaled_otherwise_is_found_at_its_item() -> None:
    [found] = sums_found(a_school_with(one_answer_right).verify())

    assert "the item q" in found
    assert "score" in found
    assert "the replay's" in found


@pytest.mark.parametrize("change", [twice, nothing])
def test_answers_that_count_twice_or_never_are_found(change: Callable[[AnswersOfRows], AnswersOfRows]) -> None:
    found = sums_found(a_school_with(change).verify())

    assert len(found) == 7, "an item each"


def test_an_entry_that_is_lost_is_found() -> None:
    world = a_school()
    world.changelog = [each for each in world.changelog if each.key != entry_key(3)]
    [found] = sums_found(world.verify())

    assert "missing" in found


def test_a_journal_that_is_lost_is_found() -> None:
    world = a_school()
    world.changelog = [each for each in world.changelog if not is_of_journal(each.key or b"")]
    [found] = sums_found(world.verify())

    assert "the checkpoint knows of" in found


# -- what cannot be judged


def test_sums_of_another_offset_are_not_judged() -> None:
    world = a_school_with(twice)
    verdict = world.verify(cut=50)

    assert sums_found(verdict) == []
    assert "another offset" in verdict.norms_not_judged[0]


def test_sums_of_a_step_that_was_interrupted_are_not_judged() -> None:
    world = a_school_with(twice)
    world.note(59, world.journal.number - 1)
    verdict = world.verify()

    assert sums_found(verdict) == []
    assert "interrupted" in verdict.norms_not_judged[0]


def test_sums_without_room_for_all_items_are_not_judged() -> None:
    world = JournaledWorld(journal=NormJournal.restore({}, None, 0, PAGES))
    for number in range(600):
        world.event(f"s{number % 6}", item_id=f"unique {number}", score=0.5)
    world.fold_rest()
    verdict = world.verify()

    assert world.journal.given_up > 0
    assert sums_found(verdict) == []
    assert "no room" in verdict.norms_not_judged[0]


def test_sums_over_records_that_are_gone_are_not_judged() -> None:
    verdict = a_school().verify(start=10)

    assert "before what the topic still holds" in verdict.norms_not_judged[0]


def test_sums_are_exact_where_a_student_was_erased() -> None:
    world = a_school()
    world.event("leaver", item_id="q3", score=0.5)
    world.fold_rest(60)
    world.forget("leaver", at_us(world.input[-1]) + 1)
    verdict = world.verify()

    assert (sums_found(verdict), verdict.norms_not_judged) == ([], [])


def test_what_an_erased_student_repeats_is_not_judged() -> None:
    world = a_school()
    world.event("leaver", item_id="q3", event_id="again", score=0.5)
    world.fold_rest(60)
    world.forget("leaver", at_us(world.input[-1]) + 1)
    world.event("leaver", item_id="q3", event_id="again", score=0.5)
    world.fold_rest(61)
    verdict = world.verify()

    assert sums_found(verdict) == []
    assert verdict.norms_not_judged == ["students who were erased answered 1 items that differ"]


def test_an_answer_that_is_a_first_one_only_since_an_erasure_is_not_judged() -> None:
    """Behind a rapid guess nothing is a first answer: a replay knows of it."""
    world = a_school()
    world.event("leaver", item_id="q3", score=0.0, duration_s=1.0)
    world.fold_rest(60)
    world.erase("leaver")
    world.event("leaver", item_id="q3", score=1.0)
    world.fold_rest(61)
    verdict = world.verify()

    assert sums_found(verdict) == []
    assert verdict.norms_not_judged == ["students who were erased answered 1 items that differ"]
