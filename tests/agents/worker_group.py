"""Several workers' pages in one process, that know each other by announcements in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp

from agents.peers import Announcer, GroupFigures, OwnWorker, PeerRequests, Peers, WorkerFigures
from agents.peers.topic import AnnouncementLog
from agents.web import WebServer
from agents.web.figures import figure_pages
from agents.web.pages import Page
from agents.web.proxied import proxy_headers
from agents.worker.figures import figure_parts
from tests.agents.memory_announcements import MemoryAnnouncements
from tests.agents.situation import Situation

Answer = tuple[int, dict[str, Any]]


@dataclass
class Wall:
    """A clock on the wall, and a monotonic one, that go on by hand."""

    now_s: float = 0.0

    def __call__(self) -> datetime:
        return datetime(2026, 11, 28, tzinfo=UTC) + timedelta(seconds=self.now_s)

    def seconds(self) -> float:
        return self.now_s


@dataclass
class Member:
    """One worker: its pages and what it announces. `partitions` may be changed."""

    name: str
    partitions: frozenset[int]
    situation: Situation
    log: AnnouncementLog
    wall: Wall
    more_pages: Callable[["Member"], Sequence[Page]] = lambda _member: ()
    options: dict[str, Any] = field(default_factory=dict)
    ready: bool = True
    url: str | None = None

    def __post_init__(self) -> None:
        metrics = self.situation.metrics
        self.own = OwnWorker(self.name, self.where, lambda: (self.partitions, self.ready), 30.0, self.wall)
        self.peers = Peers(self.own, self.log, metrics, now=self.wall, timeout_s=60.0, clock_s=self.wall.seconds)
        trusted, passed_on = self.options.pop("trusted", None), proxy_headers(self.options.get("proxy"))
        self.requests = PeerRequests(metrics, self.options.pop("peer_timeout_s", 60.0), trusted, passed_on)
        self.announcer = Announcer(self.own, self.log, metrics, self.wall.seconds)
        figures = WorkerFigures(self.own, figure_parts(metrics, self.situation.health, self.situation.lag))
        group = GroupFigures(self.peers, figures, self.requests, 4, self.wall.seconds)
        self.server = WebServer(
            "127.0.0.1",
            0,
            health=self.situation.health,
            lag=self.situation.lag,
            metrics=metrics,
            pages=[*figure_pages(figures, group), *self.more_pages(self)],
            instance=self.name,
            **self.options,
        )

    def where(self, _port: int) -> str:
        return self.url or self.server.url.rstrip("/")

    async def get(self, path: str, **headers: str) -> Answer:
        async with aiohttp.ClientSession() as session, session.get(self.server.url + path, headers=headers) as response:
            return response.status, await response.json()


@dataclass
class Members:
    """All workers of a test, in the order of their names."""

    stack: AsyncExitStack
    wall: Wall = field(default_factory=Wall)
    log: MemoryAnnouncements = field(default_factory=MemoryAnnouncements)
    all: dict[str, Member] = field(default_factory=dict)

    async def start(self, name: str, *partitions: int, **given: Any) -> Member:
        situation = Situation()
        await situation.lag.measure()
        log = given.pop("log", None) or MemoryAnnouncements(self.log.log)
        more = {key: given.pop(key) for key in ("more_pages", "url", "ready") if key in given}
        member = Member(name, frozenset(partitions), situation, log, self.wall, options=given, **more)
        await member.server.start()
        self.stack.push_async_callback(member.server.stop)
        self.stack.push_async_callback(member.requests.close)
        self.stack.push_async_callback(member.peers.close)
        await member.announcer.look()
        self.all[name] = member
        return member

    def pass_time(self, seconds: float) -> None:
        self.wall.now_s += seconds


@asynccontextmanager
async def members() -> AsyncIterator[Members]:
    async with AsyncExitStack() as stack:
        yield Members(stack)
    await asyncio.sleep(0)  # what was closed is gone
