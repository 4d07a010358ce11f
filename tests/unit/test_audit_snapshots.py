"""What verify finds in the newest snapshot of norms: made of a partition as its owner sends it, then changed."""

from dataclasses import replace
from typing import Any

import msgspec
import pytest

from streams.norms.cohorts import cohort
from streams.norms.journal import NormJournal
from streams.norms.layout import item_code
from streams.norms.publishing import NormTopic, publish
from streams.norms.row_sums import Periods, sum_rows
from streams.norms.sealed import NormsUnreadable
from streams.norms.shard import NormShard, items_of
from streams.norms.snapshot import CoveredOffset, NormSnapshot
from streams.rows.components import component_code
from streams.rows.layout import Array
from streams.verification.audit import NotCompared
from streams.verification.snapshot_sums import SnapshotSums
from streams.verification.snapshots import SnapshotCheck
from tests.norms import APP_ID, EVERY_US
from tests.unit.test_audit_norms import MOST, JournaledWorld
from tests.unit.verified import World, at_us

CLOCK_US = 400 * EVERY_US
TOPIC = NormTopic(APP_ID, 1)
STUDENTS = 24


class Class(JournaledWorld):
    """A course of two classes whose students answer in turn; norms are made of it as a worker does."""

    def answer(self, events: int, students: int = STUDENTS) -> None:
        for number in range(len(self.input), len(self.input) + events):
            student = number % students
            self.event(
                f"s{student}",
                item_id=f"q{number // students}",
                kcs=["angles", f"k{number // students % 2}"],
                course_id="geometry",
                class_id=f"class-{student % 2}",
                score=number % 5 / 4,
                duration_s=40.0 + number,
                attempt=1,
                voidable=True,
            )

    def shard(self) -> NormShard:
        """The sums as of the last step."""
        sums = sum_rows([row for _, row in self.table.items(0)], Periods(CLOCK_US, EVERY_US))
        return NormShard(
            0,
            self.epoch,
            self.checkpoint.offset,
            CLOCK_US,
            EVERY_US,
            self.journal.begin,
            self.journal.given_up,
            sums.left_out,
            items_of(self.journal.sums()),
            sums.components,
            sums.cohorts,
        )

    def publish(self, previous: NormSnapshot | None = None) -> NormSnapshot:
        snapshot = publish(previous, {0: self.shard()}, {}, TOPIC)
        assert snapshot is not None
        return snapshot


def a_class(events: int = 5 * STUDENTS) -> Class:
    world = Class()
    world.answer(events)
    world.fold_rest()
    return world


def judged(
    world: World, snapshot: NormSnapshot, previous: NormSnapshot | NotCompared | None = None, **given: object
) -> tuple[SnapshotCheck, list[str]]:
    """The check, and what differs."""
    [covered] = snapshot.offsets
    verdict = world.verify(covered, **given)
    sums = msgspec.msgpack.decode(msgspec.msgpack.encode(verdict.norm_sums), type=SnapshotSums)  # as a checkpoint does
    check = SnapshotCheck(snapshot, previous, sums)
    found = [each.what for each in (*verdict.differences, *check.differences())]
    return check, found


def counts(check: SnapshotCheck) -> tuple[int, ...]:
    return tuple(check.compared[table] for table in ("items", "components", "cohorts"))


def why_not(check: SnapshotCheck) -> dict[str, str]:
    """By table; nothing where nothing is left out."""
    return {table: why for (table, why), norms in check.left_out.items() if norms}


# -- what is right


def test_the_first_snapshot_is_exact_though_the_stream_went_on() -> None:
    world = a_class()
    snapshot = world.publish()
    world.answer(2 * STUDENTS)
    world.fold_rest(5 * STUDENTS)
    check, found = judged(world, snapshot)

    assert (counts(check), found, why_not(check)) == ((5, 3, 3), [], {})


@pytest.mark.parametrize("more", [10, 2 * STUDENTS])
def test_a_snapshot_of_norms_that_are_new_and_norms_that_were_kept_is_exact(more: int) -> None:
    world = a_class()
    first = world.publish()
    world.answer(more)
    world.fold_rest(5 * STUDENTS)
    second = world.publish(first)
    check, found = judged(world, second, first)

    assert (second.items["since"] == 1).sum() == 5
    assert (counts(check)[0], found, why_not(check)) == (len(second.items), [], {})


def test_slices_of_students_add_up_and_where_batches_are_cut_does_not_matter() -> None:
    world = Class()
    world.answer(600, students=60)
    world.fold_rest(batch=37)
    check, found = judged(world, world.publish(), memory_bytes=40_000)

    assert (found, why_not(check)) == ([], {})


def test_voids_are_taken_back_in_a_snapshot_too() -> None:
    world = a_class()
    world.event("s1", "voided", voided_id="e1")
    world.fold_rest(5 * STUDENTS)
    check, found = judged(world, world.publish())

    assert (found, why_not(check)) == ([], {})


# -- planted faults


def changed(snapshot: NormSnapshot, table: str, code: int, **fields: Any) -> NormSnapshot:
    """The snapshot, of whose norm of that code these fields are others."""
    records: Array = getattr(snapshot, table).copy()
    for name, value in fields.items():
        records[name][records["code"] == code] = value
    tables: dict[str, Any] = {table: records}
    return replace(snapshot, **tables)


@pytest.mark.parametrize(
    ("table", "code", "named", "field"),
    [
        ("items", item_code("q2"), "the item q2", "wins"),
        ("items", item_code("q2"), "the item q2", "time"),
        ("components", component_code(b"angles"), "the component angles", "answers"),
        ("cohorts", cohort("class", "class-1").code, "the cohort class:class-1", "students"),
        ("cohorts", cohort("course", "geometry").code, "the cohort course:geometry", "total"),
        ("cohorts", cohort("course", "geometry").code, "the cohort course:geometry", "bins"),
    ],
)
def test_a_norm_that_says_something_else_than_its_sums_is_found(table: str, code: int, named: str, field: str) -> None:
    world = a_class()
    _, found = judged(world, changed(world.publish(), table, code, **{field: 77}))

    [one] = found
    assert named in one
    assert field in one


@pytest.mark.parametrize("table", ["items", "components", "cohorts"])
def test_a_norm_that_was_kept_and_is_another_is_found(table: str) -> None:
    world = a_class()
    first = world.publish()
    world.answer(10)
    world.fold_rest(5 * STUDENTS)
    second = world.publish(first)
    kept = getattr(second, table)[getattr(second, table)["since"] == 1]
    _, found = judged(world, changed(second, table, int(kept["code"][0]), students=99), first)

    [one] = found
    assert "students 99, the snapshot's before" in one


def test_a_norm_that_is_gone_is_found() -> None:
    world = a_class()
    first = world.publish()
    world.answer(STUDENTS)
    world.fold_rest(5 * STUDENTS)
    second = world.publish(first)
    lost = second.items["code"] == item_code("q0")
    _, [one] = judged(world, replace(second, items=second.items[~lost]), first)

    assert "the item q0: it is gone" in one


def test_a_cohort_with_students_enough_that_is_not_published_is_found() -> None:
    world = a_class()
    snapshot = world.publish()
    lost = snapshot.cohorts["code"] == cohort("class", "class-0").code
    _, [one] = judged(world, replace(snapshot, cohorts=snapshot.cohorts[~lost]))

    assert "class:class-0: it is missing, though 12 students" in one


def test_a_norm_of_too_few_students_is_found() -> None:
    world = a_class()
    _, [one] = judged(world, changed(world.publish(), "items", item_code("q1"), students=9))

    assert "the item q1: too few students" in one


def test_a_snapshot_that_covers_more_than_the_topic_has_is_found() -> None:
    world = a_class()
    snapshot = replace(world.publish(), offsets=(CoveredOffset(0, 0, 900),))
    check, [one] = judged(world, snapshot)

    assert "covers offset 900, ahead of the topic: it ends before 120" in one
    assert counts(check) == (0, 0, 0)


def test_bytes_that_are_not_those_of_the_checksum_are_no_snapshot() -> None:
    stored = bytearray(a_class().publish().encode())
    stored[-1] ^= 1
    with pytest.raises(NormsUnreadable, match="not those that the checksum is of"):
        NormSnapshot.decode(bytes(stored), APP_ID)


# -- what is not judged


def test_norms_that_an_erased_student_has_part_in_are_known_as_such() -> None:
    world = a_class()
    world.forget("s3", at_us(world.input[-1]) + 1)
    snapshot = world.publish()
    check, found = judged(world, snapshot)

    assert (snapshot.cohorts["students"].max(), found) == (STUDENTS - 1, [])
    assert why_not(check).keys() == {"components", "cohorts"}, "items keep what was answered"
    assert all("erased" in why for why in why_not(check).values())
    assert counts(check) == (5, 0, 1), "the other class"
    _, [one] = judged(world, changed(snapshot, "cohorts", cohort("class", "class-0").code, students=77))
    assert "class-0" in one


def test_rows_of_a_worker_without_norms_may_say_less() -> None:
    world = Class()
    world.answer(5 * STUDENTS)
    for start in range(0, 3 * STUDENTS, STUDENTS):
        World.fold(world, world.input[start : start + STUDENTS])
    world.note(3 * STUDENTS - 1, -1)
    world.journal = NormJournal.restore({}, world.checkpoint, 0, MOST)
    world.fold_rest(3 * STUDENTS)
    snapshot = world.publish()
    check, found = judged(world, changed(snapshot, "cohorts", cohort("class", "class-0").code, students=77))

    assert (found, counts(check)) == ([], (2, 3, 2))
    assert list(why_not(check)) == ["cohorts"]


def test_a_snapshot_ahead_of_what_is_committed_is_not_judged() -> None:
    world = a_class()
    check, found = judged(world, world.publish(), cut=100)

    assert (found, counts(check)) == ([], (0, 0, 0))
    assert all("more than the group has committed" in why for why in why_not(check).values())


@pytest.mark.parametrize("given", [{"start": 10}, {"epoch": 1}])
def test_a_snapshot_of_what_is_gone_is_not_judged(given: dict[str, int]) -> None:
    world = a_class()
    snapshot = world.publish()
    if "epoch" in given:
        world.epoch = 1
        world.note(world.checkpoint.offset, world.journal.number)
    check, _ = judged(world, snapshot, None, **given)

    assert counts(check) == (0, 0, 0)
    assert all("before what the topic still holds" in why for why in why_not(check).values())


def test_items_of_a_journal_that_began_anew_since_are_not_judged() -> None:
    world = a_class()
    snapshot = world.publish()
    world.answer(STUDENTS)
    World.fold(world, world.input[5 * STUDENTS :])
    world.note(6 * STUDENTS - 1, -1)
    world.journal = NormJournal.restore({}, world.checkpoint, 0, MOST)
    world.answer(STUDENTS)
    world.fold_rest(6 * STUDENTS)
    check, found = judged(world, snapshot)

    assert (found, counts(check)) == ([], (0, 3, 3))
    assert "the journal that they were made of is gone" in why_not(check)["items"]


def test_what_a_snapshot_kept_is_not_judged_without_the_one_before() -> None:
    world = a_class()
    first = world.publish()
    world.answer(STUDENTS)
    world.fold_rest(5 * STUDENTS)
    second = world.publish(first)
    check, found = judged(world, second, NotCompared("the one before is gone"))

    assert found == []
    assert counts(check)[0] == 1, "the new item"
    assert why_not(check)["items"] == "the one before is gone"
