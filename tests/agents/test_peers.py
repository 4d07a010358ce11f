"""Workers that know each other: the figures of the group from any of them, and who is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from threading import Event, get_ident

from agents.kafka.errors import BrokerUnavailable
from agents.kafka.followed import TopicStartedAnew
from agents.metrics import Metrics
from agents.peers import Announcer, OwnWorker, Peers
from streams.replay import FileRecord
from tests.agents.memory_announcements import MemoryAnnouncements
from tests.agents.worker_group import Wall, members


@asynccontextmanager
async def silent_server() -> AsyncIterator[str]:
    """The address of one that takes every request and answers none."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(listen, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def test_any_worker_has_the_figures_of_all() -> None:
    async with members() as group:
        a, b = await group.start("a", 0, 1), await group.start("b", 2)
        a.situation.metrics.updates.add(7)
        b.situation.metrics.updates.add(3)
        status, figures = await b.get("group/figures")

    assert (status, figures["partial"], figures["unowned"], figures["problem"]) == (200, [], [3], None)
    by_name = {worker["instance"]: worker for worker in figures["workers"]}
    assert {name: worker["state"] for name, worker in by_name.items()} == {"a": "live", "b": "live"}
    assert {name: worker["partitions"] for name, worker in by_name.items()} == {"a": [0, 1], "b": [2]}
    assert {name: worker["figures"]["counts"]["updates"] for name, worker in by_name.items()} == {"a": 7, "b": 3}
    assert by_name["a"]["figures"]["worker"]["partitions"] == [0, 1]


async def test_one_worker_s_figures_have_its_health_its_lag_and_what_it_counted() -> None:
    async with members() as group:
        a = await group.start("a", 0)
        a.situation.metrics.events.add("applied", 5)
        a.situation.redis_problem = "refused"
        _, figures = await a.get("worker/figures")

    assert figures["worker"]["instance"] == "a"
    assert figures["health"] == {"status": "degraded", "problems": {"redis": figures["health"]["problems"]["redis"]}}
    assert figures["counts"]["events"]["applied"] == 5
    assert figures["lag"]["problem"] is None
    first = figures["lag"]["partitions"][0]
    assert (first["topic"], first["partition"], first["lag_records"]) == ("student-activity", 0, 0)
    assert {"lag_seconds", "status", "owner", "end", "committed"} <= first.keys()


async def test_a_worker_that_does_not_answer_is_away_and_the_rest_is_told() -> None:
    async with members() as group:
        a, b = await group.start("a", 0), await group.start("b", 1)
        await b.server.stop()
        _, stopped = await a.get("group/figures")
        group.pass_time(2)
        b.url = f"http://127.0.0.1:{a.server.port}"  # what answers there is a
        group.pass_time(30)
        await b.announcer.look()
        _, misled = await a.get("group/figures")

    for figures in (stopped, misled):
        assert figures["partial"] == ["b"]
        [_, away] = figures["workers"]
        assert (away["state"], away["figures"], away["partitions"]) == ("away", None, [1])
    assert "another worker answers there" in misled["workers"][1]["problem"]
    assert a.situation.metrics.peer_requests.values() == {
        "answered": 0,
        "timeout": 0,
        "unreachable": 1,
        "misdirected": 1,
    }


async def test_a_worker_that_hangs_is_waited_for_no_longer_than_is_set() -> None:
    async with members() as group:
        a, b = await group.start("a", 0, peer_timeout_s=0.1), await group.start("b", 1)
        async with silent_server() as url:
            b.url = url
            group.pass_time(30)
            await b.announcer.look()
            _, figures = await a.get("group/figures")

    assert figures["workers"][1]["problem"] == "no answer within 0.1 s"


async def test_a_killed_worker_is_away_by_age_and_gone_once_its_partitions_are_another_s() -> None:
    async with members() as group:
        a, b = await group.start("a", 0), await group.start("b", 1)
        await b.server.stop()
        group.pass_time(91)
        await a.announcer.look()
        _, aged = await a.get("group/figures")
        a.partitions = frozenset({0, 1})
        group.pass_time(1)
        await a.announcer.look()
        _, taken_over = await a.get("group/figures")

    assert aged["workers"][1]["problem"] == "not heard of for 91 s"
    assert aged["unowned"] == [1, 2, 3]
    assert [worker["instance"] for worker in taken_over["workers"]] == ["a"]
    assert (taken_over["partial"], taken_over["unowned"]) == ([], [2, 3])


async def test_a_worker_that_leaves_is_gone_at_once() -> None:
    async with members() as group:
        a, b = await group.start("a", 0), await group.start("b", 1)
        await b.announcer.leave()
        _, figures = await a.get("group/figures")

    assert [worker["instance"] for worker in figures["workers"]] == ["a"]


async def test_it_is_announced_what_changes_and_every_interval_and_nothing_between() -> None:
    async with members() as group:
        a = await group.start("a", 0)
        for _ in range(5):
            await a.announcer.look()
        said_once = len(group.log.log)
        a.ready = False
        await a.announcer.look()
        group.pass_time(29)
        await a.announcer.look()
        said_twice = len(group.log.log)
        group.pass_time(1)
        await a.announcer.look()

    assert (said_once, said_twice, len(group.log.log)) == (1, 2, 3)


class Broken(MemoryAnnouncements):
    """Fails in turn, as told."""

    failure: Exception | None = None

    def read_on(self) -> list[FileRecord]:
        if self.failure is not None:
            raise self.failure
        return super().read_on()

    def announce(self, instance: str, value: bytes | None) -> None:
        if self.failure is not None:
            raise self.failure
        super().announce(instance, value)


async def test_a_topic_that_cannot_be_read_leaves_what_is_known_and_says_so() -> None:
    async with members() as group:
        log = Broken(group.log.log)
        a = await group.start("a", 0, log=log)
        await group.start("b", 1)
        await a.get("group/figures")
        log.failure = BrokerUnavailable("no answer\x1b[1m")
        group.pass_time(2)
        _, figures = await a.get("group/figures")

    assert [worker["state"] for worker in figures["workers"]] == ["live", "live"]
    assert figures["problem"] == "no answer\\x1b[1m"


async def test_a_topic_that_was_created_again_is_read_from_its_start() -> None:
    async with members() as group:
        log = Broken(group.log.log)
        a = await group.start("a", 0, log=log)
        b = await group.start("b", 1)
        await a.get("group/figures")
        log.failure = TopicStartedAnew()
        group.pass_time(2)
        _, between = await a.get("group/figures")
        log.failure = None
        group.pass_time(30)
        await b.announcer.look()
        _, figures = await a.get("group/figures")

    assert [worker["instance"] for worker in between["workers"]] == ["a"]
    assert "created again" in between["problem"]
    assert [worker["instance"] for worker in figures["workers"]] == ["a", "b"]


async def test_the_broker_s_name_is_looked_up_for_an_announcement_in_a_thread_and_for_no_look_at_the_group() -> None:
    asked_by: list[int] = []

    def url(_port: int) -> str:
        asked_by.append(get_ident())
        return "http://a:1"

    log, metrics = MemoryAnnouncements(), Metrics()
    own = OwnWorker("a", url, lambda: (frozenset({0}), True), 30.0, Wall())
    peers = Peers(own, log, metrics, now=Wall(), timeout_s=60.0)
    await Announcer(own, log, metrics).look()
    groups = [await peers.group(anew=True) for _ in range(3)]
    await peers.close()

    assert {peer.announced.url for group in groups for peer in group.workers} == {"http://a:1"}
    assert len(asked_by) == 1
    assert asked_by[0] != get_ident()


async def test_what_cannot_be_announced_is_tried_again_and_counted() -> None:
    async with members() as group:
        log = Broken(group.log.log)
        log.failure = BrokerUnavailable("no answer")
        a = await group.start("a", 0, log=log)
        a.partitions = frozenset({0, 1})
        await a.announcer.look()  # not before the time
        group.pass_time(5)
        await a.announcer.look()
        await a.announcer.leave()  # of what nobody heard of
        log.failure = None
        group.pass_time(5)
        await a.announcer.look()

    assert a.situation.metrics.announcements.values() == {"sent": 1, "failed": 2, "unreadable": 0, "forged": 0}
    assert len(group.log.log) == 1


async def test_many_who_ask_at_once_cost_one_round() -> None:
    async with members() as group:
        a, b = await group.start("a", 0), await group.start("b", 1)
        answers = await asyncio.gather(*(a.get("group/figures") for _ in range(20)))

    assert all(answer == answers[0] for answer in answers)
    assert a.situation.metrics.peer_requests.values()["answered"] == 1
    assert b.situation.metrics.peer_requests.values()["answered"] == 0


async def test_a_request_for_another_worker_is_not_answered() -> None:
    async with members() as group:
        a = await group.start("a", 0)
        status, said = await a.get("worker/figures", **{"Skillstream-Asked": "b"})

    assert (status, said) == (421, {"error": "this is another worker than the one that is asked"})


class Hanging(MemoryAnnouncements):
    """Reads until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = Event()
        self.closed = False

    def read_on(self) -> list[FileRecord]:
        self.may_end.wait()
        return []

    def close(self) -> None:
        self.closed = True


async def test_a_topic_that_does_not_answer_holds_up_neither_an_answer_nor_the_end() -> None:
    log, metrics = Hanging(), Metrics()
    own = OwnWorker("a", lambda _port: "http://a:1", lambda: (frozenset({0}), True), 30.0, Wall())
    peers = Peers(own, log, metrics, now=Wall(), timeout_s=0.01)
    try:
        group = await peers.group()
        await peers.close()
    finally:
        log.may_end.set()

    assert [peer.instance for peer in group.workers] == ["a"]
    assert group.problem == "the topic of the workers does not answer within 0.01 s"
    assert not log.closed
