"""Requests to erase are accepted beside the step: nothing waits for the broker but their own acknowledgement."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

import pytest

from agents.delivery.outage import Outage
from agents.delivery.step import Output
from agents.kafka.errors import BrokerUnavailable
from agents.worker import erasing
from agents.worker.erasing import ErasureAcceptor
from schemas.erasure import Acceptance, read_acceptance
from streams.input.signature import HeaderKeys
from tests.events import NOW_US

WANTED: Final = Acceptance("topic", NOW_US, (), ((1, 7, 5),))


class Log:
    """What was sent; it is confirmed when the test says so."""

    def __init__(self) -> None:
        self.sent: list[Output] = []
        self.confirmed: list[asyncio.Future[Any]] = []

    async def send(self, _topic: str, _partition: int, records: Iterable[Output]) -> Sequence["asyncio.Future[Any]"]:
        self.sent += records
        self.confirmed.append(asyncio.get_running_loop().create_future())
        return self.confirmed[-1:]


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erasing, "_ASK_AGAIN_S", 0.0)


async def until(holds: Callable[[], object]) -> None:
    async with asyncio.timeout(30):
        while not holds():  # noqa: ASYNC110  # what is waited for tells nobody
            await asyncio.sleep(0.001)


async def test_all_that_wait_are_accepted_by_one_answer_and_done_when_it_is_confirmed() -> None:
    log, asked = Log(), list[int]()

    def ends() -> tuple[int, ...]:
        asked.append(len(asked))
        return 3, 9

    acceptor = ErasureAcceptor("erasures", ends, log.send, HeaderKeys((b"k",)).sign, Outage("a broker", 60.0))
    waiting = [acceptor.accept(1, key, WANTED) for key in (b"ada", b"bo")]
    running = asyncio.create_task(acceptor.run())
    await until(lambda: log.confirmed)

    assert asked == [0]
    assert [(one.partition, one.key) for one in log.sent] == [(1, b"ada"), (1, b"bo")]
    for one in log.sent:
        accepted = read_acceptance(one.value, one.headers)
        assert accepted == Acceptance("topic", NOW_US, (3, 9), ((1, 7, 5),))
    assert not any(one.done() for one in waiting)
    log.confirmed[0].set_result(None)
    await asyncio.gather(*waiting)
    running.cancel()


async def test_a_broker_that_does_not_answer_is_an_outage_until_it_does() -> None:
    log, outage, answers = Log(), Outage("a broker", 60.0), asyncio.Event()

    def ends() -> tuple[int, ...]:
        if not answers.is_set():
            raise BrokerUnavailable("away")
        return (4,)

    acceptor = ErasureAcceptor("erasures", ends, log.send, HeaderKeys((b"k",)).sign, outage)
    acceptor.accept(0, b"ada", WANTED)
    running = asyncio.create_task(acceptor.run())
    await until(lambda: outage.reason is not None)
    assert log.sent == []

    answers.set()
    await until(lambda: log.sent)

    assert outage.reason is None
    running.cancel()


async def test_a_send_that_fails_for_good_ends_it_and_what_waits_is_not_acknowledged() -> None:
    log = Log()
    acceptor = ErasureAcceptor("erasures", lambda: (4,), log.send, HeaderKeys((b"k",)).sign, Outage("a broker", 60.0))
    waiting = acceptor.accept(0, b"ada", WANTED)
    running = asyncio.create_task(acceptor.run())
    await until(lambda: log.confirmed)

    log.confirmed[0].set_exception(RuntimeError("refused"))

    with pytest.raises(RuntimeError, match="refused"):
        await running
    assert not waiting.done()
