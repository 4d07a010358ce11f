"""Questions that are asked at the same time, answered by one computation over all of them."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

MOST_AT_ONCE: Final = 32
"""Of students' rows: a few milliseconds of the event loop."""

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Together(Generic[Asked, Answered]):
    """Of one event loop. `compute` answers each of a few questions, in their order; what it raises all of them raise.

    Between two computations others have their turn.
    """

    def __init__(
        self, compute: Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]], most: int = MOST_AT_ONCE
    ) -> None:
        self._compute, self._most = compute, most
        self._waiting: deque[tuple[Asked, asyncio.Future[Answered]]] = deque()
        self._serving: asyncio.Task[None] | None = None

    async def ask(self, asked: Asked) -> Answered:
        """The answer. Who is cancelled is not answered for."""
        answer: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        self._waiting.append((asked, answer))
        if self._serving is None or self._serving.done():
            self._serving = asyncio.create_task(self._serve())
        return await answer

    async def _serve(self) -> None:
        while some := self._next():
            try:
                answers = await self._compute([asked for asked, _ in some])
            except Exception as error:  # each of those who asked raises it
                for _, future in some:
                    if not future.done():
                        future.set_exception(error)
            else:
                for (_, future), answer in zip(some, answers, strict=True):
                    if not future.done():
                        future.set_result(answer)
            await asyncio.sleep(0)

    def _next(self) -> list[tuple[Asked, "asyncio.Future[Answered]"]]:
        some: list[tuple[Asked, asyncio.Future[Answered]]] = []
        while self._waiting and len(some) < self._most:
            waiting = self._waiting.popleft()
            if not waiting[1].done():
                some.append(waiting)
        return some
