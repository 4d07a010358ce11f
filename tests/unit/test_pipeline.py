"""One way through: records of several partitions in one call are what each partition's are by itself."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from streams.context import ProcessingContext
from streams.folding.dead_letters import DeadRecord
from streams.replay import FileRecord
from streams.rows.table import PartitionedRows
from tests.events import default_pipeline, raw, records
from tests.unit.strategies import streams

PARTITIONS = 3


def on(partition: int, taken: list[FileRecord]) -> list[FileRecord]:
    return [replace(each, partition=partition) for each in taken]


@given(st.lists(streams(max_size=8), min_size=PARTITIONS, max_size=PARTITIONS))
def test_partitions_of_one_call_are_processed_as_each_by_itself(some: list[list[FileRecord]]) -> None:
    batches = {partition: on(partition, taken) for partition, taken in enumerate(some) if taken}
    owner = dict.fromkeys((b"ada", b"eve"), 1)
    context = ProcessingContext(rows=PartitionedRows(), owning_partition=lambda key: owner.get(key, 0))

    together = asyncio.run(default_pipeline().process(batches, context))
    alone = {
        partition: asyncio.run(default_pipeline().process({partition: taken}, context))[partition]
        for partition, taken in batches.items()
    }

    for partition, expected in alone.items():
        found = together.pop(partition)
        assert (found.rows, found.updates, found.taken) == (expected.rows, expected.updates, expected.taken)
        assert list(found.repartitioned) == list(expected.repartitioned)
        assert list(found.dead_letters) == list(expected.dead_letters)
        assert found.counts == expected.counts
    assert not together


def test_rows_of_one_partition_are_not_those_of_another() -> None:
    table = PartitionedRows()
    process, context = default_pipeline().process, ProcessingContext(rows=table)
    batches = {partition: on(partition, records([raw()])) for partition in range(2)}
    first = asyncio.run(process({0: batches[0]}, context))[0]
    table.put_many(0, first.rows)

    again = asyncio.run(process(batches, context))

    assert not again[0].rows
    assert again[0].counts.replayed == 1
    assert again[1].rows == first.rows


def test_the_gate_of_a_partition_hears_of_its_dead_letters_alone() -> None:
    heard: dict[int, list[int]] = {}

    async def gate(partition: int, _records: object, dead_letters: Sequence[DeadRecord]) -> None:
        heard[partition] = [record.offset for record, _ in dead_letters]

    batches = {0: on(0, records([raw(), b"garbage"])), 1: on(1, records([raw()]))}
    asyncio.run(default_pipeline().process(batches, ProcessingContext(rows=PartitionedRows(), gate=gate)))

    assert heard == {0: [1], 1: []}


def test_a_result_is_not_written_out_as_text() -> None:
    """Python 3.11's `asyncio.run` asks for that, in vain, and it took half of a replay's time."""
    result = asyncio.run(default_pipeline().process({0: records([raw()])}, ProcessingContext(rows=PartitionedRows())))

    assert len(repr(result[0])) < 100
