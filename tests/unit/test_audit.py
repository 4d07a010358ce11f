"""What verify finds, and what it does not take for a fault: partitions without Kafka, right and with planted faults."""

from collections.abc import Callable
from random import Random

import msgspec
import pytest

from schemas.dead_letter import DeadLetter, to_headers
from streams.audit import compare
from streams.replay import FileRecord
from streams.row import Row
from streams.row_codec import decode_row, encode_row
from streams.rows import PartitionedRows
from streams.verification.forgotten import KEPT_RECORDS
from streams.verification.judging import Extent
from streams.verification.ledger import Entry, Ledger
from streams.verification.letters import LetterBook
from streams.verification.report import MAX_SHOWN, Report
from streams.verification.slices import Slice
from tests.events import Student, event, record
from tests.unit.verified import World, a_class, again, at_us, changed, rescored, without

Plant = Callable[[World], None]


def of(world: World, student: str) -> list[int]:
    """The offsets of a student's records."""
    return [record.offset for record in world.input if f'"student_id":"{student}"'.encode() in (record.value or b"")]


def replayed_without(world: World, student: str, offset: int) -> Row:
    """A student's row as it is when one of its events was not folded."""
    other = World(input=world.input)
    other.fold(without([record for record in world.input if record.offset in of(world, student)], offset))
    return other.rows[student]


# -- what is right


def test_what_a_worker_leaves_is_exact_and_every_event_is_counted() -> None:
    verdict = a_class().judge()

    assert verdict.differences == []
    assert (verdict.students, verdict.applied, verdict.left_out) == (6, 60, {})


def test_other_batches_than_the_worker_s_make_no_difference() -> None:
    for batch in (1, 7, 60):
        assert a_class(batch=batch).judge().differences == []


def test_an_update_that_was_made_while_a_source_failed_is_judged_without_it() -> None:
    world = World()
    for _ in range(12):
        world.event("ada", "message", text="I kept trying.")
        world.event("ada")
    world.fold(world.input, failing=["language"])

    assert world.last_update("ada").degraded == ["language"]
    assert world.judge().differences == []

    world.say(msgspec.structs.replace(world.last_update("ada"), degraded=[]))
    assert ("ada", "update") in world.judge().kinds, "the very same numbers are wrong where no source failed"


def test_an_update_said_again_when_a_source_is_back_does_not_make_the_row_wrong() -> None:
    world = World()
    for _ in range(12):
        world.event("ada", "message", text="I kept trying.")
        world.event("ada")
    whole = World(input=world.input)
    whole.fold(world.input)
    world.fold(world.input, failing=["language"])
    world.say(whole.last_update("ada"))

    verdict = world.judge()
    assert verdict.differences == []
    assert verdict.other_sources == 1


def test_an_update_of_another_configuration_is_counted_and_only_its_place_is_judged() -> None:
    world = a_class()
    world.say(msgspec.structs.replace(rescored(world.last_update("s1"), 0.3), config_version="another"))
    verdict = world.judge()
    assert (verdict.differences, verdict.other_config) == ([], 1)

    older = msgspec.structs.replace(world.last_update("s1"), seq=(0, of(world, "s1")[-2]))
    world.say(older)
    assert world.judge().kinds == [("s1", "update")]


def test_rows_that_went_on_while_we_looked_are_judged_where_they_are() -> None:
    world = a_class(events=60, batch=10)

    for cut in (0, 1, 25, 59):
        assert world.judge(cut=cut).differences == []
    world.write("s1", replayed_without(world, "s1", of(world, "s1")[-3]))
    assert world.judge(cut=25).kinds == [("s1", "lost")]


def test_little_memory_makes_more_passes_and_the_same_verdict() -> None:
    world = a_class(students=80, events=400, batch=50)
    world.write("s7", replayed_without(world, "s7", of(world, "s7")[1]))
    world.write("s60", None)
    whole, parts = world.judge(), world.judge(memory_bytes=60_000)

    assert (whole.passes, whole.students, whole.applied) == (1, 80, 400)
    assert parts.passes > 2
    assert parts.kinds == whole.kinds == [("s60", "lost"), ("s7", "lost")]
    assert (parts.students, parts.applied) == (80, 400)


def test_a_table_that_lost_all_rows_is_still_judged_within_memory() -> None:
    world = a_class(students=80, events=400, batch=50)
    world.changelog.clear()
    parts = world.judge(memory_bytes=30_000)

    assert parts.passes > 2
    assert parts.kinds == sorted((f"s{number}", "lost") for number in range(80))
    assert parts.applied == 400


# -- planted faults


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
    next(cell for cell in row.skills.values() if cell.score > 0).score += 1e-6
    world.write("s1", row)


def write_garbage(world: World) -> None:
    world.changelog.append(world._record(world.changelog, "s1", b"garbage"))


def invent_a_student(world: World) -> None:
    world.write("nobody", world.rows["s1"])


def delete_an_update(world: World) -> None:
    world.updates.append(world._record(world.updates, "s1", None))


def change_a_score(world: World) -> None:
    world.say(rescored(world.last_update("s1"), 3e-6))


def say_an_older_update(world: World) -> None:
    world.updates.append([record for record in world.updates if record.key == b"s1"][-2])


def say_nonsense(world: World) -> None:
    world.updates.append(world._record(world.updates, "s1", b"{}"))


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

    assert world.judge().kinds == kinds


# -- students who asked to be forgotten


def test_whenever_a_request_was_carried_out_the_row_is_right() -> None:
    for seed in range(12):
        rng = Random(seed)
        world = World()
        for number in range(60):
            world.event("ada" if number % 2 else "bo", event_id=f"e{rng.randrange(50)}")
        asked, carried_out = rng.randrange(5, 40), rng.randrange(1, 60)
        for begin in range(0, 60, 5):
            if begin <= carried_out < begin + 5:
                world.forget("ada", at_us(world.input[asked]))
            world.fold(world.input[begin : begin + 5])

        assert world.judge().differences == [], f"seed {seed}: asked at {asked}, carried out at {carried_out}"


def test_a_stub_is_right_and_one_that_lacks_later_events_is_not() -> None:
    world = a_class()
    world.forget("s1", at_us(world.input[-1]))
    world.forget("unknown", at_us(world.input[-1]))
    assert world.judge().differences == []

    world.event("s1")
    assert world.judge().kinds == [("s1", "lost")]


def test_what_is_left_of_the_forgotten_is_found() -> None:
    for leave, kind in {
        "row": "stale_row",
        "update": "update",
        "explanation": "reasoning",
        "older row": "stale_row",
        "request": "state",
    }.items():
        world = a_class()
        full, update = world.rows["s1"], world.last_update("s1")
        world.forget("s1", at_us(world.input[-1]))
        if leave == "row":
            world.write("s1", changed(full, erased_us=at_us(world.input[-1])))
        elif leave == "update":
            world.say(update)
        elif leave == "explanation":
            world.explain("s1", of(world, "s1")[-1])
        elif leave == "older row":
            world.write("s1", full)
            world.say(update)
        else:
            world.requests[b"s1"] += 60_000_000

        assert world.judge().kinds == [("s1", kind)], leave


def test_a_row_of_the_forgotten_that_lost_an_event_since_is_found() -> None:
    world = a_class(students=2, events=60)
    asked = at_us(world.input[30])
    world.forget("s1", asked)
    row = Row(offset=world.rows["s1"].offset, erased_us=asked)
    world.rows["s1"] = row
    later = [world.event("s1") for _ in range(6)]
    world.fold(without(later, later[2].offset))

    assert world.judge().kinds == [("s1", "state")]
    assert KEPT_RECORDS >= 100


# -- what cannot be judged


def test_students_whose_first_events_are_removed_are_not_judged_and_what_is_certain_still_is() -> None:
    world = a_class(students=6, events=60)
    for _ in range(5):
        world.event("new")
    world.fold(world.input[60:])
    verdict = world.judge(start=20)
    assert verdict.differences == []
    assert verdict.left_out == {"began before what the topic still holds": 6}

    world.write("s1", None)
    world.write("new", replayed_without(world, "new", 62))
    append_an_older_row_of = [record for record in world.changelog if record.key == b"s2"][-2]
    world.write("s2", decode_row(append_an_older_row_of.value or b""))
    delete = world._record(world.updates, "s3", None)
    world.updates.append(delete)
    kinds = world.judge(start=20).kinds
    assert kinds == [("new", "lost"), ("s1", "lost"), ("s2", "stale_row"), ("s3", "update")]
    assert ("s3", "update") not in world.judge(start=20, updates_gone=True).kinds


def test_rows_of_an_adopted_topic_hold_events_of_the_former_one_and_are_not_judged() -> None:
    former = a_class()
    world = World(rows=former.rows, changelog=former.changelog, updates=former.updates, epoch=1)
    for _ in range(4):
        world.event("s1", event_id=f"second-{len(world.input)}")
        world.event("fresh", event_id=f"second-{len(world.input)}")
    world.fold(world.input)

    verdict = world.judge()
    assert verdict.differences == []
    assert verdict.left_out == {"began before what the topic still holds": 6}


# -- the parts


def test_a_ledger_larger_than_its_memory_settles_as_one_within() -> None:
    for memory_bytes in (1, 1 << 24):
        with Ledger(memory_bytes) as ledger:
            for offset in range(0, 200_000, 37):
                ledger.expect(Entry((1, offset, 0), b"x", 2))
                if offset != 37 * 1_000:
                    ledger.find(Entry((1, offset, 0), b"y" if offset == 37 * 2_000 else b"x", 2))
            ledger.find(Entry((1, 0, 0), b"x", 2))
            ledger.find(Entry((1, 5, 0), b"x", 2))
            found = sorted((mismatch.how, mismatch.entry.about[1]) for mismatch in ledger.settle())

            assert found == [("changed", 37 * 2_000), ("missing", 37 * 1_000), ("unexpected", 5)]
            assert (ledger.repeats, ledger.expected) == (1, len(range(0, 200_000, 37)))


def test_dead_letters_are_matched_by_place_bytes_and_epoch() -> None:
    extent = Extent(partition=0, start=10, cut=100, epoch=1)
    large, small = record(b"v" * 50, 20, key=b"k"), record(b"<xml/>", 30)
    expected = [(large, letter_of(large)), (small, letter_of(small)), (small, letter_of(small))]

    def settled(*found: tuple[FileRecord, DeadLetter]) -> list[tuple[str, int]]:
        with Ledger(1) as ledger:
            book = LetterBook("student-activity", 20, ledger)
            book.expect(expected)
            book.find([again(each, headers=to_headers(letter)) for each, letter in found], extent)
            return sorted((mismatch.how, mismatch.entry.about[1]) for mismatch in ledger.settle())

    cut_off = again(large, value=b"v" * 19)
    assert settled((cut_off, letter_of(large)), (small, letter_of(small))) == []
    assert settled((cut_off, letter_of(large)), (small, letter_of(small, epoch=0))) == [("missing", 30)]
    assert settled((cut_off, letter_of(large)), (record(b"<xml>"), letter_of(small))) == [("changed", 30)]
    before, beyond = record(b"?", 9), record(b"?", 100)
    right = [(cut_off, letter_of(large)), (small, letter_of(small))]
    assert settled(*right, (before, letter_of(before)), (beyond, letter_of(beyond))) == []
    other = msgspec.structs.replace(letter_of(small), offset=31)
    assert settled(*right, (small, other)) == [("unexpected", 31)]


def letter_of(original: FileRecord, epoch: int = 1) -> DeadLetter:
    return DeadLetter(
        topic=original.topic,
        partition=original.partition,
        offset=original.offset,
        timestamp=original.timestamp,
        index=0,
        reason="not_json",
        error="",
        schema_guess="native",
        epoch=epoch,
    )


def test_every_student_is_in_one_of_two_halves() -> None:
    whole = [f"s{number}".encode() for number in range(500)]
    left, right = Slice(2, 1).halves()
    both = [student for student in whole if Slice(2, 1).holds(student)]

    assert 60 < len(both) < 200
    assert [left.holds(student) + right.holds(student) for student in both] == [1] * len(both)


def test_the_report_keeps_the_first_differences_and_counts_all() -> None:
    report, world = Report(), a_class(students=1, events=3)
    lose_a_row(World(rows=world.rows))
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
