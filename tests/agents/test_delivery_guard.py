"""The owner of a changelog partition notices what it did not write, and appends its own rows again."""

import asyncio
import gc
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka.structs import RecordMetadata, TopicPartition
from confluent_kafka import Producer

from agents.delivery.gap_reader import GapReader
from agents.delivery.guard import ChangelogGuard, Gap
from agents.delivery.log_positions import Confirmation, LogPositions
from agents.kafka.embedded import EmbeddedBroker
from agents.kafka.errors import BrokerUnavailable

P = 0


def confirmed_at(offset: int, confirmation: Confirmation) -> None:
    confirmation.set_result(RecordMetadata("log", P, TopicPartition("log", P), offset, -1, 0, 0))


@dataclass
class Owner:
    """A worker's table, on a log that is a list; everything runs in its one lane."""

    rows: dict[bytes, bytes] = field(default_factory=dict)
    log: list[tuple[bytes, bytes | None]] = field(default_factory=list)
    positions: LogPositions = field(default_factory=LogPositions)
    repaired: list[tuple[int, int]] = field(default_factory=list)
    reads: list[tuple[int, int]] = field(default_factory=list)
    away: bool = False
    mended: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.guard = ChangelogGuard(self, self, self.ends, self.read_gap, self.note)

    def note(self, partition: int, rows: int) -> None:
        self.repaired.append((partition, rows))
        self.mended.set()

    def held(self, partition: int, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def hand_over(self, **rows: str) -> Confirmation:
        """Rows in memory, and a batch on its way."""
        changed = {key.encode(): value.encode() for key, value in rows.items()}
        self.rows |= changed
        confirmation: Confirmation = asyncio.get_running_loop().create_future()
        self.positions.sent(P, confirmation, len(changed))
        return confirmation

    async def write(self, **rows: str) -> None:
        """As `hand_over`, appended and confirmed."""
        confirmation = self.hand_over(**rows)
        confirmed_at(len(self.log), confirmation)
        self.log += [(key.encode(), value.encode()) for key, value in rows.items()]
        await asyncio.sleep(0)

    async def put_again(self, partition: int, keys: Collection[bytes]) -> list[Confirmation]:
        confirmation: Confirmation = asyncio.get_running_loop().create_future()
        self.positions.sent(P, confirmation, len(keys))
        confirmed_at(len(self.log), confirmation)
        self.log += [(key, self.rows.get(key)) for key in sorted(keys)]
        return [confirmation]

    async def exclusive(self, partition: int, work: Callable[[], Awaitable[None]]) -> None:
        await work()

    async def confirmed(self, sent: Collection[Confirmation]) -> None:
        await asyncio.gather(*sent)

    async def ends(self, partitions: Collection[int]) -> Mapping[int, int]:
        if self.away:
            raise BrokerUnavailable("no answer")
        return dict.fromkeys(partitions, len(self.log))

    async def read_gap(self, partition: int, first: int, end: int) -> Gap:
        self.reads.append((first, end))
        return dict(self.log[first:end])

    @property
    def last(self) -> dict[bytes, bytes | None]:
        """What compaction would keep."""
        return dict(self.log)


@pytest.fixture
async def owner() -> Owner:
    owner = Owner()
    await owner.write(ada="1", eve="1")
    await owner.write(ada="2")
    return owner


async def test_what_the_owner_wrote_itself_is_never_read_back(owner: Owner) -> None:
    await owner.guard.check([P])
    await owner.write(eve="2")
    await owner.guard.check([P])

    assert owner.reads == []
    assert owner.positions.reached(P) == 3


async def test_a_foreign_record_between_the_owner_s_batches_is_repaired(owner: Owner) -> None:
    owner.log += [(b"ada", b"1"), (b"eve", b"1")]
    await owner.write(eve="3")
    assert owner.positions.suspected == {P}
    await owner.guard.check([P])

    assert owner.reads == [(3, 6)]
    assert owner.last == {b"ada": b"2", b"eve": b"3"}
    assert owner.repaired == [(P, 1)]  # the owner's own write had mended eve already
    await owner.guard.check([P])
    assert owner.reads == [(3, 6)]


async def test_a_watching_guard_repairs_what_is_suspected_at_once(owner: Owner) -> None:
    watching = asyncio.create_task(owner.guard.watch(lambda: [P], every_s=3600.0))
    owner.log += [(b"ada", b"1")]
    await owner.write(eve="3")
    async with asyncio.timeout(60):
        await owner.mended.wait()
    watching.cancel()

    assert owner.last == {b"ada": b"2", b"eve": b"3"}


async def test_a_foreign_record_after_the_owner_s_last_write_is_repaired(owner: Owner) -> None:
    owner.log += [(b"ada", b"1"), (b"mallory", b"9"), (b"eve", None)]
    await owner.guard.check([P])

    assert owner.last == {b"ada": b"2", b"eve": b"1", b"mallory": None}
    assert owner.repaired == [(P, 3)]
    assert owner.positions.reached(P) == len(owner.log) - 1


async def test_offsets_without_records_are_read_once_and_change_nothing(owner: Owner) -> None:
    owner.log += [(b"ada", b"2")]  # stands for a transaction's marker
    await owner.guard.check([P])
    await owner.guard.check([P])
    await owner.write(ada="3")

    assert owner.reads == [(3, 4)]
    assert owner.repaired == []
    assert owner.positions.suspected == set()


async def test_a_partition_with_batches_on_their_way_is_left_until_they_are_confirmed(owner: Owner) -> None:
    on_its_way = owner.hand_over(ada="3")
    owner.log += [(b"ada", b"3")]
    await owner.guard.check([P])
    assert owner.reads == []
    confirmed_at(3, on_its_way)
    await asyncio.sleep(0)
    await owner.guard.check([P])

    assert owner.reads == []
    assert owner.positions.reached(P) == 3


async def test_a_suspected_partition_waits_for_the_owner_s_batches_before_it_is_read(owner: Owner) -> None:
    owner.log += [(b"ada", b"1")]
    await owner.write(eve="2")
    on_its_way = owner.hand_over(ada="3")
    checking = asyncio.create_task(owner.guard.check([P]))
    _, waiting = await asyncio.wait([checking], timeout=0.05)
    assert waiting
    owner.log += [(b"ada", b"3")]
    confirmed_at(5, on_its_way)
    await checking

    assert owner.reads == [(3, 6)]
    assert owner.repaired == []


async def test_a_broker_that_is_unavailable_delays_the_repair(owner: Owner) -> None:
    owner.log += [(b"ada", b"1")]
    owner.away = True
    watching = asyncio.create_task(owner.guard.watch(lambda: [P], every_s=0.01))
    _, waiting = await asyncio.wait([watching], timeout=0.1)
    assert waiting
    owner.away = False
    async with asyncio.timeout(60):
        await owner.mended.wait()
    watching.cancel()

    assert owner.last == {b"ada": b"2", b"eve": b"1"}


async def test_an_unknown_offset_after_a_retry_is_looked_into_and_forgotten(owner: Owner) -> None:
    confirmed_at(-1, owner.hand_over(ada="3"))
    owner.log += [(b"ada", b"3")]
    await asyncio.sleep(0)
    await owner.guard.check([P])
    await owner.guard.check([P])

    assert owner.reads == [(3, 4)]
    assert owner.repaired == []


async def test_a_failed_send_and_a_partition_that_moved_away_advance_nothing(owner: Owner) -> None:
    owner.hand_over(ada="3").set_exception(ConnectionError())
    late = owner.hand_over(ada="4")
    await asyncio.sleep(0)
    assert owner.positions.reached(P) == 2
    owner.positions.forget(P)
    confirmed_at(0, late)
    await asyncio.sleep(0)

    assert owner.positions.reached(P) is None
    assert owner.positions.suspected == set()


async def test_a_gap_is_read_from_its_first_offset_to_its_last_and_holds_the_last_of_each_key() -> None:
    with EmbeddedBroker() as broker:
        producer = Producer({"bootstrap.servers": broker.bootstrap})
        for number in range(10):
            value: Any = None if number == 6 else b"%d" % number
            producer.produce("log", key=b"%d" % (number % 3), value=value, partition=1)
        producer.flush()
        read = GapReader(broker.bootstrap, "log", timeout_s=60.0)

        assert await read(1, 4, 8) == {b"1": b"7", b"2": b"5", b"0": None}
        assert await read(1, 0, 10) == {b"0": b"9", b"1": b"7", b"2": b"8"}


async def test_a_gap_on_a_broker_that_is_unavailable_is_told_within_the_bound() -> None:
    with pytest.raises(BrokerUnavailable, match="log/0"):
        await GapReader("127.0.0.1:1", "log", timeout_s=0.5)(0, 0, 1)
    gc.collect()  # a client that was left open warns, and warnings are errors
