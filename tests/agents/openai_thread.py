"""The loopback OpenAI server in a thread with a loop of its own, for tests that wait for processes."""

import asyncio
import threading
from types import TracebackType
from typing import Self

from tests.servers.openai import Answer, Exchange, LoopbackOpenAI, good

_TIMEOUT_S = 60.0


class OpenAIThread:
    """A context manager; answers as `plan` said last. See LoopbackOpenAI."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="openai", daemon=True)
        self._server: LoopbackOpenAI | None = None

    @property
    def server(self) -> LoopbackOpenAI:
        """The server inside."""
        assert self._server is not None
        return self._server

    @property
    def url(self) -> str:
        """Its base URL."""
        return self.server.url

    @property
    def exchanges(self) -> list[Exchange]:
        """All requests so far."""
        return list(self.server.exchanges)

    def plan(self, *answers: Answer, then: Answer = good) -> None:
        """The next answers, and the one for ever after."""
        self._loop.call_soon_threadsafe(lambda: self.server.plan(*answers, then=then))

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(_entered(), self._loop).result(_TIMEOUT_S)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        leaving = self.server.__aexit__(None, None, None)
        asyncio.run_coroutine_threadsafe(leaving, self._loop).result(_TIMEOUT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_TIMEOUT_S)
        self._loop.close()


async def _entered() -> LoopbackOpenAI:
    return await LoopbackOpenAI().__aenter__()
