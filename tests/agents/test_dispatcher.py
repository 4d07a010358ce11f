"""Who starts calls: as many as allowed, one at a time until its request is sent, all waiting together."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from agents.reasoning import dispatcher
from agents.reasoning.dispatcher import Dispatcher
from streams.reasoning.policy.concurrency import LEAST, Concurrency
from streams.reasoning.policy.ticket import Ticket


class Calls:
    """Students without end, if `endless`; `answer` says what becomes of each. Counts looks, and calls under way."""

    def __init__(self, answer: Callable[[int, Callable[[], None]], Awaitable[float]], *, endless: bool = True) -> None:
        self.looks = self.taken = self.under_way = self.most = 0
        self._answer = answer
        self._endless = endless

    async def next_(self) -> Ticket | None:
        self.looks += 1
        return Ticket(0, str(self.looks).encode(), (0, self.looks), 1, 0.5, 0) if self._endless else None

    async def serve(self, _ticket: Ticket, sending: Callable[[], None]) -> float:
        self.taken += 1
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self._answer(self.taken, sending)
        finally:
            self.under_way -= 1


@asynccontextmanager
async def dispatching(calls: Calls, most: int = LEAST) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(Dispatcher(calls.next_, calls.serve, Concurrency(1.0, most)).run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def turns(number: int = 200) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_as_many_are_under_way_as_allowed_and_each_that_ends_makes_room_for_another() -> None:
    gates: list[asyncio.Event] = []

    async def answer(_number: int, sending: Callable[[], None]) -> float:
        sending()
        gates.append(asyncio.Event())
        await gates[-1].wait()
        return 0.0

    calls = Calls(answer)
    async with dispatching(calls):
        await turns()
        full = calls.taken
        gates[0].set()
        await turns()
        assert (full, calls.taken, calls.most) == (LEAST, LEAST + 1, LEAST)


async def test_nobody_else_is_taken_before_a_request_is_sent() -> None:
    admitted = asyncio.Event()

    async def answer(_number: int, sending: Callable[[], None]) -> float:
        await admitted.wait()
        sending()
        await asyncio.Event().wait()
        return 0.0

    calls = Calls(answer)
    async with dispatching(calls):
        await turns()
        asking = calls.taken
        admitted.set()
        await turns()
        assert (asking, calls.taken) == (1, LEAST)


async def test_a_spent_limit_is_asked_by_one_and_all_wait_as_long_as_it_says() -> None:
    """Regression: each of up to 32 took a student, scored the row and asked again for the one next call."""

    async def answer(number: int, sending: Callable[[], None]) -> float:
        if number == 1:
            sending()
            return 0.0
        return 3600.0

    calls = Calls(answer)
    async with dispatching(calls, most=32):
        await turns()
        assert (calls.taken, calls.under_way) == (2, 0)


async def test_it_goes_on_when_the_pause_is_over() -> None:
    served = asyncio.Event()

    async def answer(number: int, sending: Callable[[], None]) -> float:
        if number == 1:
            return 0.001
        served.set()
        sending()
        return 3600.0

    async with dispatching(Calls(answer)), asyncio.timeout(60):
        await served.wait()


async def test_an_idle_one_looks_once_and_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: 32 tasks looked at the queue, five times a second each."""
    monkeypatch.setattr(dispatcher, "IDLE_S", 3600.0)

    async def answer(_number: int, _sending: Callable[[], None]) -> float:
        raise AssertionError("nobody is there")

    calls = Calls(answer, endless=False)
    async with dispatching(calls, most=32):
        await turns()
        assert calls.looks == 1


async def test_what_a_call_raises_ends_the_others() -> None:
    async def answer(number: int, sending: Callable[[], None]) -> float:
        sending()
        if number == 2:
            raise OSError
        await asyncio.Event().wait()
        return 0.0

    calls = Calls(answer)
    async with dispatching(calls) as task:
        with pytest.raises(ExceptionGroup) as raised:
            await task
    assert raised.group_contains(OSError)
    assert calls.under_way == 0
