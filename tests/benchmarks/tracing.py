"""What traces cost a batch of 200 records, in CPU time of the event loop: `python -m tests.benchmarks.tracing`."""

import asyncio
import sys
from collections.abc import Sequence
from time import thread_time
from typing import Final

from aiokafka.structs import ConsumerRecord

from agents.config.settings import Settings
from agents.delivery.step import Output
from agents.metrics import Metrics
from agents.tracing import Traced, open_tracing
from streams.context import StageName, unwatched
from streams.simulation import simulate
from tests.agents.otlp_receiver import OtlpReceiver
from tests.stepped import CHANNELS, Stepped

_RECORDS: Final = 200
_TIMES: Final = 100
"""So that the queue of spans has room for all."""
_STAGES: Final[tuple[StageName, ...]] = ("decode", "fold", "score", "encode")
_PARENT: Final = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")

Records = Sequence[ConsumerRecord[bytes, bytes]]


async def main() -> None:
    """Print a line each."""
    plain = [
        ConsumerRecord(CHANNELS.activity, 0, at, 1_800_000_000_000, 0, each.key, each.value, None, 1, 1, ())
        for at, each in enumerate(simulate(_RECORDS, _RECORDS, seed=3, faults=0))
    ]
    await _step(plain)
    with OtlpReceiver() as receiver:
        _say("off", _off_s())
        for what, ratio, traced_records in [
            ("on, no record traced", 0, 0),
            ("one record traced", 0, 1),
            ("the batch is sampled", 1, 0),
            ("all records traced", 0, _RECORDS),
        ]:
            traced = open_tracing(Settings(traces=receiver.url, traces_ratio=ratio), "benchmark", Metrics())
            assert traced is not None
            _say(what, _traced_s(traced, _with_parents(plain, traced_records)))
            await traced.aclose()


def _with_parents(records: Records, count: int) -> Records:
    return [_with_parent(each) if at < count else each for at, each in enumerate(records)]


def _with_parent(of: ConsumerRecord[bytes, bytes]) -> ConsumerRecord[bytes, bytes]:
    return ConsumerRecord(
        of.topic, of.partition, of.offset, of.timestamp, of.timestamp_type, of.key, of.value, None, 1, 1, (_PARENT,)
    )


async def _step(records: Records) -> None:
    """The step itself, to compare with: of students who are new."""
    worker = Stepped()
    await worker.take_on(CHANNELS.activity, 0, records)  # what is made once is made
    worker = Stepped(worker.pipeline)
    began_s = thread_time()
    await worker.take_on(CHANNELS.activity, 0, records)
    _say("the step itself", thread_time() - began_s)


def _off_s() -> float:
    began_s = thread_time()
    for _ in range(_TIMES):
        for name in _STAGES:
            with unwatched(name):
                pass
    return (thread_time() - began_s) / _TIMES


def _traced_s(traced: Traced, records: Records) -> float:
    """All that a batch calls."""
    outputs = [Output(CHANNELS.updates, 0, each.key, b"{}") for each in records]
    began_s = thread_time()
    for _ in range(_TIMES):
        batch = traced.begin({0: records})
        if batch is None:
            continue
        for name in _STAGES:
            with batch.stage(name):
                pass
        batch.marked(outputs)
        batch.sends([0])
        batch.confirmed(0)
    return (thread_time() - began_s) / _TIMES


def _say(what: str, seconds: float) -> None:
    sys.stdout.write(f"{what:<24}{seconds * 1e6:>10,.1f} µs\n")


if __name__ == "__main__":
    asyncio.run(main())
