"""`skillstream worker` with a fault at the client's seam, named by SKILLSTREAM_TEST_FAULT.

The product has no hooks for this: aiokafka's producer is wrapped where Faust's driver hands it to the writer, and the
thread's commit is replaced. Everything else is the ordinary worker.
"""

import asyncio
import os
import signal
from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiokafka import AIOKafkaProducer
from aiokafka.errors import NotEnoughReplicasAfterAppendError, ProducerClosed, UnknownError
from faust.types import TP

from agents.cli import main
from agents.delivery.faust.consumer_thread import BatchConsumerThread
from agents.delivery.faust.table import RowTable
from agents.delivery.faust.transport import IdempotentProducer
from agents.kafka.producer import ConfirmedProducer
from tests.chaos.fault import VARIABLE, Call, Fault

_CHANGELOG: Final = "-students-changelog"
_OUTPUT: Final = "skill-updates"
_ENDS: Final[Mapping[Call, str]] = {
    "changelog": _CHANGELOG,
    "output": _OUTPUT,
    "answer": ".erasures",
    "null": ".attention",
}
"""How the topics of calls end. Nobody in a simulated class says what deserves attention: only an erasure does."""
Confirmation = asyncio.Future[Any]


class FaultyProducer:
    """aiokafka's producer, but for one call."""

    def __init__(self, real: AIOKafkaProducer, fault: Fault) -> None:
        self._real = real
        self._fault = fault
        self._calls = 0
        self._withheld = False
        self._logged: list[Confirmation] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    async def send_batch(self, batch: Any, topic: str, *, partition: int) -> Confirmation:
        """Sends, or does the deed."""
        if self._is_due(topic):
            return await self._do(batch, topic, partition)
        sent = await self._send(batch, topic, partition)
        if self._withheld and topic.endswith(_OUTPUT):
            sent.add_done_callback(_end)
        return sent

    def _is_due(self, topic: str) -> bool:
        self._calls += topic.endswith(_ENDS.get(self._fault.at, "\0"))
        due = self._calls == self._fault.number
        self._calls += due  # once only
        return due

    async def _do(self, batch: Any, topic: str, partition: int) -> Confirmation:
        match self._fault.do:
            case "kill before":
                await asyncio.gather(*self._logged)
                _end()
            case "stop":
                os.kill(os.getpid(), signal.SIGSTOP)
            case "raise":
                raise ProducerClosed("as planned")
            case "fail":
                return _failed(NotEnoughReplicasAfterAppendError("as planned"))
            case "withhold":
                self._withheld = True
                return asyncio.get_running_loop().create_future()
        sent = await self._send(batch, topic, partition)
        if self._fault.do == "kill after":
            sent.add_done_callback(_end)
        return sent

    async def _send(self, batch: Any, topic: str, partition: int) -> Confirmation:
        sent: Confirmation = await self._real.send_batch(batch, topic, partition=partition)
        if topic.endswith(_CHANGELOG):
            self._logged = [*(future for future in self._logged if not future.done()), sent]
        return sent


class FaultyCommits:
    """The thread's commit, but for one call."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._real = BatchConsumerThread.commit_offsets
        self._calls = 0

    async def commit(self, thread: BatchConsumerThread, offsets: Mapping[TP, int]) -> None:
        """Commits, or does the deed."""
        self._calls += 1
        due = self._calls == self._fault.number
        if due and self._fault.do == "kill before":
            _end()
        if due and self._fault.do in ("fail", "raise"):
            raise UnknownError("as planned")
        await self._real(thread, offsets)
        if due and self._fault.do == "kill after":
            _end()


def _restore_slowly(us_a_record: int) -> None:
    real = RowTable.on_changelog_event

    async def on_changelog_event(self: RowTable, event: Any) -> None:
        await asyncio.sleep(len(event.message.records) * us_a_record / 1e6)
        await real(self, event)

    RowTable.on_changelog_event = on_changelog_event  # type: ignore[method-assign]


def _kill_between_pieces(fault: Fault) -> None:
    """Of a snapshot or a shard, which have a producer of their own: all pieces before it are confirmed."""
    real, topic_end = ConfirmedProducer.send, {"norms": ".norms", "shards": ".norm-shards"}[fault.at]
    calls = 0

    def send(self: ConfirmedProducer, topic: str, *record: Any) -> None:
        nonlocal calls
        calls += topic.endswith(topic_end)
        if topic.endswith(topic_end) and calls == fault.number:
            self.client.flush()
            _end()
        real(self, topic, *record)

    ConfirmedProducer.send = send  # type: ignore[assignment]


def inject(fault: Fault) -> None:
    """Wrap the client. Before the worker makes its app."""
    if fault.at == "recovery":
        _restore_slowly(fault.number)
        return
    if fault.at in ("norms", "shards"):
        _kill_between_pieces(fault)
        return
    if fault.at == "commit":
        commits = FaultyCommits(fault)

        async def commit_offsets(self: BatchConsumerThread, offsets: Mapping[TP, int]) -> None:
            await commits.commit(self, offsets)

        BatchConsumerThread.commit_offsets = commit_offsets  # type: ignore[method-assign]
        return
    real = IdempotentProducer.batch_producer
    made: dict[int, FaultyProducer] = {}

    def batch_producer(self: IdempotentProducer) -> Any:
        return made.setdefault(id(self), FaultyProducer(real(self), fault))

    IdempotentProducer.batch_producer = batch_producer  # type: ignore[method-assign]


def _end(_: object = None) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _failed(error: Exception) -> Confirmation:
    future: Confirmation = asyncio.get_running_loop().create_future()
    future.set_exception(error)
    return future


if __name__ == "__main__":
    inject(msgspec.json.decode(os.environ[VARIABLE], type=Fault))
    main()
