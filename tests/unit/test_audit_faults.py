"""A fault planted into a partition is found as what it is, and reported."""

from collections.abc import Callable

import pytest

from streams.rows.codec import decode_row, encode_row
from streams.rows.table import PartitionedRows
from streams.verification.audit import compare
from streams.verification.report import MAX_SHOWN, VerificationReport
from tests.events import Student, event
from tests.unit.verified import World, a_class, changed, of, replayed_without, rescored

Plant = Callable[[World], None]


def lose_an_event(world: World) -> None:
    world.write("s1", replayed_without(world, "s1", of(world, "s1")[4]))


def lose_a_row(world: World) -> None:
    world.write("s1", None)


def lose_all_since(world: World) -> None:
    """The row, and what was said of it, end before the last event."""
    world.changelog = [record for record in world.changelog if record.key != b"s1"]
    world.updates = [record for record in world.updates if record.key != b"s1"]
    behind = World(input=world.input)
    behind.fold([world.input[offset] for offset in of(world, "s1")[:-1]])
    world.write("s1", behind.rows["s1"])
    world.say(behind.last_update("s1"))


def fold_twice(world: World) -> None:
    student = Student(world.rows["s1"])
    student.fold(event(student="s1", event_id="again"), student.row.as_of_us)
    world.write("s1", student.row)


def double_totals(world: World) -> None:
    row = decode_row(encode_row(world.rows["s1"]))
    for totals in row.facts.values():
        totals.n *= 2
        totals.total *= 2
    world.write("s1", row)


def append_an_older_row(world: World) -> None:
    older = [record for record in world.changelog if record.key == b"s1"][-2]
    world.write("s1", decode_row(older.value or b""))


def leave_only_an_older_row(world: World) -> None:
    """As compaction does with a row that a zombie appended: the newer one is gone, the update is not."""
    append_an_older_row(world)
    last = world.changelog[-1]
    world.changelog = [record for record in world.changelog if record.key != b"s1"] + [last]


def change_a_column(world: World) -> None:
    world.write("s1", changed(world.rows["s1"], first_us=world.rows["s1"].first_us - 1))


def change_a_row_s_score(world: World) -> None:
    row = decode_row(encode_row(world.rows["s1"]))
    next(skill_state for skill_state in row.skills.values() if skill_state.score > 0).score += 1e-6
    world.write("s1", row)


def write_garbage(world: World) -> None:
    world.changelog.append(world.record(world.changelog, "s1", b"garbage"))


def invent_a_student(world: World) -> None:
    world.write("nobody", world.rows["s1"])


def delete_an_update(world: World) -> None:
    world.updates.append(world.record(world.updates, "s1", None))


def change_a_score(world: World) -> None:
    world.say(rescored(world.last_update("s1"), 3e-4))


def say_an_older_update(world: World) -> None:
    world.updates.append([record for record in world.updates if record.key == b"s1"][-2])


def say_nonsense(world: World) -> None:
    world.updates.append(world.record(world.updates, "s1", b"{}"))


def explain_the_future(world: World) -> None:
    world.explain("s1", of(world, "s1")[-1] + 1)


def explain_a_stranger(world: World) -> None:
    world.explain("nobody", 3)


PLANTS: list[tuple[Plant, list[tuple[str, str]]]] = [
    (lose_an_event, [("s1", "lost")]),
    (lose_a_row, [("s1", "lost")]),
    (lose_all_since, [("s1", "lost")]),
    (fold_twice, [("s1", "double_applied")]),
    (double_totals, [("s1", "double_applied")]),
    (append_an_older_row, [("s1", "stale_row")]),
    (leave_only_an_older_row, [("s1", "stale_row")]),
    (change_a_column, [("s1", "state")]),
    (change_a_row_s_score, [("s1", "state")]),
    (write_garbage, [("s1", "state")]),
    (invent_a_student, [("nobody", "state")]),
    (delete_an_update, [("s1", "update")]),
    (change_a_score, [("s1", "update")]),
    (say_an_older_update, [("s1", "update")]),
    (say_nonsense, [("s1", "update")]),
    (explain_the_future, [("s1", "reasoning")]),
    (explain_a_stranger, [("nobody", "reasoning")]),
]


@pytest.mark.parametrize(("plant", "kinds"), PLANTS, ids=lambda each: getattr(each, "__name__", ""))
def test_a_planted_fault_is_found_as_what_it_is_and_nothing_else_is(plant: Plant, kinds: list[tuple[str, str]]) -> None:
    world = a_class()
    plant(world)

    assert world.verify().kinds == kinds


def test_the_report_keeps_the_first_differences_and_counts_all() -> None:
    report, world = VerificationReport(), a_class(students=1, events=3)
    [difference] = compare(PartitionedRows(), _table(world))
    for _ in range(MAX_SHOWN + 7):
        report.add(difference)
    said = report.as_json()

    assert (said["lost"], said["unaccounted"], len(said["differences"])) == (MAX_SHOWN + 7, 0, MAX_SHOWN)
    assert not said["ok"]
    assert said["differences"][0].keys() == {"kind", "student", "partition", "offset", "what"}


def _table(world: World) -> PartitionedRows:
    rows = PartitionedRows()
    for student, row in world.rows.items():
        rows.put(0, student.encode(), encode_row(row))
    return rows
