"""What the event loop itself does for records that are dear to work on: it must never stand still for a second.

In CPU time: a machine that others use as well may take longer.
"""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import orjson
import pytest
from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.structs import RecordMetadata, TopicPartition

from agents.delivery.step import BatchResult
from agents.delivery.writer import OutRecord, RecordBatchWriter
from agents.worker import student_step
from schemas.dialects import Record
from tests.agents.turns import measured_turns
from tests.events import raw, record
from tests.fuzz.seeds import DOCUMENTS
from tests.stepped import CHANNELS, Stepped, owning_partition

PARTITION: Final = 0
MOST_S: Final = 1.0
TRIES: Final = 3
"""What holds the loop does so each time; a processor that is shared with other machines is slow at times."""


def on_owning() -> Iterator[str]:
    """Students of the partition, without end."""
    number = 0
    while True:
        if owning_partition((student := f"s{number}").encode()) == PARTITION:
            yield student
        number += 1


def crowd() -> Iterator[bytes]:
    students = on_owning()
    return (raw(student=next(students)) for _ in range(10_000))


def voided_pairs() -> Iterator[bytes]:
    student = next(on_owning())
    for number in range(20_000):
        yield raw(student=student, event_id=f"e{number}", voidable=True)
        yield raw("voided", student, event_id=f"v{number}", voided_id=f"e{number}")


def arrays_of_zeros() -> Iterator[bytes]:
    value = b"[" + orjson.dumps(DOCUMENTS["xapi"][0]) + b",0" * 100_000 + b"]"
    return (value for _ in range(40))


def unreadable() -> Iterator[bytes]:
    return (b'{"type":"attempt","version":%d}' % number for number in range(10_000))


class Broker:
    """Takes record batches as aiokafka's producer does: compressed when they are sent, confirmed at once."""

    def create_batch(self, _size_bytes: int = 0) -> BatchBuilder:
        zstd = 4
        return BatchBuilder(512 * 1024, zstd, is_transactional=False, key_serializer=None, value_serializer=None)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> "asyncio.Future[RecordMetadata]":
        batch._build()
        confirmed: asyncio.Future[RecordMetadata] = asyncio.get_running_loop().create_future()
        place = TopicPartition(topic, partition)
        confirmed.set_result(RecordMetadata(topic, partition, place, 0, 0, 0, 0))
        return confirmed


async def work_on(stepped: Stepped, records: Sequence[Record]) -> None:
    """Fold and publish all of `records`, part by part, as the table's agent does."""
    writer = RecordBatchWriter(Broker, 20_000_000)
    left = records
    while left:
        result: BatchResult = (await stepped.step(CHANNELS.activity, {PARTITION: left}))[PARTITION]
        stepped.rows.put_many(PARTITION, result.rows)
        await writer.send("changelog", PARTITION, [OutRecord(key, row) for key, row in result.rows.items()])
        await writer.send("outputs", PARTITION, [OutRecord(*output[2:]) for output in result.outputs])
        left = left[result.records or len(left) :]
        await asyncio.sleep(0)


def longest_turn_s(values: Callable[[], Iterator[bytes]]) -> float:
    """Of a loop that works on records of these values."""
    records = [record(value, offset, partition=PARTITION) for offset, value in enumerate(values())]
    with measured_turns() as turns:
        asyncio.run(work_on(Stepped(), records))
    return turns.longest_s


@pytest.mark.parametrize("values", [crowd, voided_pairs, arrays_of_zeros, unreadable])
def test_the_loop_is_never_held_for_a_second(values: Callable[[], Iterator[bytes]]) -> None:
    assert any(longest_turn_s(values) < MOST_S for _ in range(TRIES))


def test_work_that_is_done_in_the_loop_is_measured_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above could not fail."""
    with monkeypatch.context() as patch:
        patch.setattr(student_step, "is_long", lambda _records: False)
        inside_s = longest_turn_s(voided_pairs)

    assert any(inside_s > 10 * longest_turn_s(voided_pairs) for _ in range(TRIES))
