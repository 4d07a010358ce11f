"""Explanations against a provider that answers with whatever: each ends as an outcome, none with an exception.

python -m tests.fuzz.replies --replies 10000 --seed 1      over loopback, through the SDK's own client; about a minute

Exit code 1 where an explanation had no outcome, or the bulkhead had to catch what nobody foresaw: that is kept from
doing harm, and still wants a line of its own.
"""

import argparse
import asyncio
import json
import logging
import re
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from schemas.explanation import Explanation, ReasoningResult
from streams.limits import RateLimitExceeded
from streams.reasoning.policy.breaker import ReasoningPaused
from streams.rows.row import Pending
from tests.fuzz.answers import Answers
from tests.servers.openai import good
from tests.unit.reasoning.rig import Rig
from tests.unit.reasoning.samples import update

_LONGER_THAN_ANY_PAUSE_S: Final = 86_400.0
_MOST_BYTES: Final = 16_384


@dataclass
class Found:
    """What became of the replies: outcomes of calls and explanations, how long the slowest took, what went wrong."""

    replies: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_s: float = 0.0


async def fuzz(replies: int, seed: int) -> Found:
    """Explain until `replies` were given."""
    found = Found()
    async with _Server(Answers(seed)) as server, Rig(server.url, read_timeout_s=0.3, total_timeout_s=5.0) as rig:
        caught = _Caught(lambda noted: found.faults.append(f"reply {server.replies} of seed {seed}: {noted}"))
        while server.replies < replies:
            rig.clock.advance(seconds=_LONGER_THAN_ANY_PAUSE_S)
            first, began_s = server.replies, time.monotonic()
            try:
                await _explain(rig)
            except (RateLimitExceeded, ReasoningPaused) as wait:
                found.outcomes[type(wait).__name__] += 1
            except Exception as error:
                found.faults.append(f"replies {first} to {server.replies} of seed {seed}: {error!r}")
            took_s = time.monotonic() - began_s
            found.slowest_s = max(found.slowest_s, took_s)
            found.calls.update(rig.calls)
            found.outcomes.update(rig.outcomes)
            rig.events.clear()
            rig.decisions.clear()
        found.replies = server.replies
        caught.close()
    return found


class _Caught(logging.Handler):
    """Hands on what the bulkhead caught."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.DEBUG)
        self._tell = tell
        self._logger = logging.getLogger("streams.reasoning.model.bulkhead")
        self._level = self._logger.level
        self._logger.setLevel(logging.DEBUG)
        self._logger.addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self._tell(record.getMessage())

    def close(self) -> None:
        self._logger.removeHandler(self)
        self._logger.setLevel(self._level)
        super().close()


async def _explain(rig: Rig) -> None:
    explanation, result = await rig.explainer.explain(update(), Pending())
    for message, kind in ((explanation, Explanation), (result, ReasoningResult)):
        if message is not None:
            written = msgspec.json.encode(message)
            assert msgspec.json.decode(written, type=kind) == message
            assert len(written) <= _MOST_BYTES
    assert (result.outcome == "failed") == (explanation is None)
    assert 0 <= result.attempts <= 1


class _Server:
    """Speaks HTTP as badly as `answers` say, one answer a connection."""

    def __init__(self, answers: Answers) -> None:
        self.replies = 0
        self._answers = answers

    @property
    def url(self) -> str:
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}/v1"

    async def __aenter__(self) -> "_Server":
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head.lower())
            asked = await reader.readexactly(int(length[1]) if length else 0)
            self.replies += 1
            writer.write(self._answers.to(_good(asked), to_list=head.startswith(b"GET")))
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client went away: it had read enough
        finally:
            writer.close()


def _good(asked: bytes) -> Any:
    if not asked:
        return {"object": "list", "data": [{"id": "gpt-4.1"}]}
    body = good(json.loads(asked)).body
    assert isinstance(body, bytes)
    return json.loads(body)


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.replies")
    parser.add_argument("--replies", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.getLogger().addHandler(logging.NullHandler())
    began_s = time.monotonic()
    found = asyncio.run(fuzz(given.replies, given.seed))
    took_s = time.monotonic() - began_s
    lines = [
        f"{found.replies} replies in {took_s:.0f} s, the slowest explanation took {found.slowest_s:.2f} s",
        f"calls: {dict(found.calls.most_common())}",
        f"explanations: {dict(found.outcomes.most_common())}",
        *found.faults[:20],
    ]
    sys.stdout.write("\n".join(lines) + "\n")
    return int(bool(found.faults))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
