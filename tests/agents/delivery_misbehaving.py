"""`skillstream worker` that misbehaves as SKILLSTREAM_TEST_MISBEHAVIOUR says; everything else is the ordinary worker.

busy       the step never gives the event loop back
stuck      the step waits for ever
unfetched  nothing of partition 2 of the activity topic is ever handed on
paused     stops itself (SIGSTOP) when the third batch of the changelog lies in aiokafka's accumulator, not yet sent
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiokafka import AIOKafkaProducer
from faust.types import TP

from agents.cli import main
from agents.delivery.faust.consumer_thread import BatchConsumerThread
from agents.worker.student_step import StudentStep

VARIABLE: Final = "SKILLSTREAM_TEST_MISBEHAVIOUR"
UNFETCHED: Final = 2


async def _busy(*_: object) -> Any:
    while True:
        pass


async def _stuck(*_: object) -> Any:
    await asyncio.Event().wait()


def _leave_one_out() -> None:
    real = BatchConsumerThread.getmany

    async def getmany(self: BatchConsumerThread, active: set[TP] | None, timeout: float) -> Mapping[TP, Sequence[Any]]:
        fetched: Mapping[TP, Sequence[Any]] = await real(self, active, timeout)
        return {tp: records for tp, records in fetched.items() if not (tp.partition == UNFETCHED and "act" in tp.topic)}

    BatchConsumerThread.getmany = getmany  # type: ignore[method-assign, assignment]


def _pause() -> None:
    real, sends = AIOKafkaProducer.send_batch, list[int]()

    async def send_batch(self: AIOKafkaProducer, batch: Any, topic: str, *, partition: int) -> Any:
        sent = await real(self, batch, topic, partition=partition)
        if topic.endswith("-changelog"):
            sends.append(partition)
            if len(sends) == 3:
                os.kill(os.getpid(), signal.SIGSTOP)
        return sent

    AIOKafkaProducer.send_batch = send_batch


if __name__ == "__main__":
    match os.environ[VARIABLE]:
        case "busy":
            StudentStep.__call__ = _busy  # type: ignore[method-assign, assignment]
        case "stuck":
            StudentStep.__call__ = _stuck  # type: ignore[method-assign, assignment]
        case "unfetched":
            _leave_one_out()
        case "paused":
            _pause()
        case other:
            raise SystemExit(f"{VARIABLE}={other} is unknown")
    main()
