"""One way through: records of several partitions in one call are what each partition's are by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streams.context import ProcessingContext
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadRecord
from streams.pipeline import BatchOutcome
from streams.replay import FileRecord
from streams.rows.table import PartitionedRows
from tests.events import default_pipeline, raw, records
from tests.unit.strategies import streams

PARTITIONS = 3


def store(table: PartitionedRows, outcome: BatchOutcome) -> None:
    for partition, result in outcome.partitions.items():
        table.put_many(partition, result.rows)


def on(partition: int, taken: list[FileRecord]) -> list[FileRecord]:
    return [replace(each, partition=partition) for each in taken]


@given(st.lists(streams(max_size=8), min_size=PARTITIONS, max_size=PARTITIONS))
def test_partitions_of_one_call_are_processed_as_each_by_itself(some: list[list[FileRecord]]) -> None:
    batches = {partition: on(partition, taken) for partition, taken in enumerate(some) if taken}
    owner = dict.fromkeys((b"ada", b"eve"), 1)
    context = ProcessingContext(rows=PartitionedRows(), owning_partition=lambda key: owner.get(key, 0))

    together = asyncio.run(default_pipeline().process(batches, context))
    alone = {
        partition: asyncio.run(default_pipeline().process({partition: taken}, context))
        for partition, taken in batches.items()
    }

    assert together.partitions.keys() == alone.keys()
    for partition, outcome in alone.items():
        found, expected = together.partitions[partition], outcome.partitions[partition]
        assert (found.rows, found.updates, found.taken) == (expected.rows, expected.updates, expected.taken)
        assert list(found.repartitioned) == list(expected.repartitioned)
        assert list(found.dead_letters) == list(expected.dead_letters)
        answers, expected_answers = found.first_answers, expected.first_answers
        assert answers.answers.tobytes() == expected_answers.answers.tobytes()
        assert (answers.of, answers.items) == (expected_answers.of, expected_answers.items)
    assert together.counts == sum((outcome.counts for outcome in alone.values()), Counts())


@given(st.lists(streams(max_size=8), min_size=PARTITIONS, max_size=PARTITIONS), st.integers(1, 4))
def test_partitions_are_processed_alike_however_few_students_one_batch_takes(
    some: list[list[FileRecord]], most: int
) -> None:
    batches = {partition: on(partition, taken) for partition, taken in enumerate(some) if taken}
    whole, cut = PartitionedRows(), PartitionedRows()
    outcome = asyncio.run(default_pipeline().process(batches, ProcessingContext(rows=whole)))
    store(whole, outcome)

    left, counts = batches, Counts()
    while left:
        outcome = asyncio.run(default_pipeline().process(left, ProcessingContext(rows=cut, most_students=most)))
        assert any(result.taken for result in outcome.partitions.values())
        store(cut, outcome)
        counts += outcome.counts
        taken = {partition: result.taken for partition, result in outcome.partitions.items()}
        left = {at: rest for at, records in left.items() if (rest := records[taken.get(at, 0) :])}

    for partition in range(PARTITIONS):
        assert dict(cut.items(partition)) == dict(whole.items(partition))
    assert counts.events_in == counts.applied + counts.ignored + counts.duplicates + counts.dead_lettered


def test_rows_of_one_partition_are_not_those_of_another() -> None:
    table = PartitionedRows()
    process, context = default_pipeline().process, ProcessingContext(rows=table)
    batches = {partition: on(partition, records([raw()])) for partition in range(2)}
    first = asyncio.run(process({0: batches[0]}, context)).partitions[0]
    table.put_many(0, first.rows)

    again = asyncio.run(process(batches, context))

    assert not again.partitions[0].rows
    assert again.counts.replayed == 1
    assert again.partitions[1].rows == first.rows


def test_the_gate_of_a_partition_hears_of_its_dead_letters_alone() -> None:
    heard: dict[int, list[int]] = {}

    async def gate(partition: int, _records: object, dead_letters: Sequence[DeadRecord]) -> None:
        heard[partition] = [record.offset for record, _ in dead_letters]

    batches = {0: on(0, records([raw(), b"garbage"])), 1: on(1, records([raw()]))}
    asyncio.run(default_pipeline().process(batches, ProcessingContext(rows=PartitionedRows(), gate=gate)))

    assert heard == {0: [1], 1: []}


def test_a_result_is_not_written_out_as_text() -> None:
    """Python 3.11's `asyncio.run` asks for that, in vain, and it took half of a replay's time."""
    outcome = asyncio.run(default_pipeline().process({0: records([raw()])}, ProcessingContext(rows=PartitionedRows())))

    assert len(repr(outcome)) < 100
    assert len(repr(outcome.partitions[0])) < 100


def test_whoever_only_opens_pages_has_no_row_wherever_it_stands_in_a_batch() -> None:
    page, answer = raw("navigation", student="ada"), raw(student="eve")
    apart = asyncio.run(default_pipeline().process({0: records([answer])}, ProcessingContext(rows=PartitionedRows())))
    for values in ([page, answer], [answer, page]):
        context = ProcessingContext(rows=PartitionedRows())
        outcome = asyncio.run(default_pipeline().process({0: records(values)}, context))

        assert outcome.partitions[0].rows.keys() == outcome.partitions[0].updates.keys() == {b"eve"}
        assert outcome.counts == apart.counts + Counts(records_in=1, events_in=1, ignored=1)


def test_a_page_that_is_read_again_after_a_restart_is_no_new_event() -> None:
    table = PartitionedRows()
    context, taken = ProcessingContext(rows=table), {0: records([raw("navigation"), raw()])}
    store(table, asyncio.run(default_pipeline().process(taken, context)))

    again = asyncio.run(default_pipeline().process(taken, context))

    assert (again.counts.replayed, again.counts.events_in) == (2, 0)
    assert again.partitions[0].updates
    assert not again.partitions[0].rows
