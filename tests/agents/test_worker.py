"""The worker, whole, on the embedded broker: a process, judged by what it leaves on the topics."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiohttp import web

from agents.embedded import EmbeddedBroker
from schemas.explanation import Explanation
from streams.row import Row
from streams.row_codec import decode_row
from streams.rows import PartitionedRows
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, home
from tests.agents.openai_thread import OpenAIThread
from tests.agents.worker_process import WorkerProcess
from tests.events import raw
from tests.servers import openai
from tests.servers.ports import free_ports

FAST_LIMITS = {"calls_per_minute": 6_000, "calls_per_hour": 600_000, "seed_limits": "true"}
CLASS = [Sent(record.key, record.value) for record in simulate(12, 1_200, seed=5, faults=0.0)]
BROKEN = {
    "not_utf8": Sent(b"sim-00001", b'{"type": "\xff\xfe"}', headers=(("trace", b"\x00\xff"),)),
    "not_json": Sent(None, b"<xml/>"),
    "null_value": Sent(b"sim-00002", None),
    "unknown_version": Sent(b"\xfe\xff", orjson.dumps({"type": "attempt", "version": 9}), partition=3),
}
FORGOTTEN, STRAY = "sim-00003", "stray"
STRAY_EVENTS = 5


def many_of(student: str, count: int, at: datetime | None = None, tag: str = "e") -> list[Sent]:
    """Solved tasks of one student, a minute apart."""
    start = at or datetime(2026, 3, 2, tzinfo=UTC)
    return [
        Sent(
            student.encode(),
            raw(student=student, event_id=f"{tag}-{n}", time=(start + timedelta(minutes=n)).isoformat()),
        )
        for n in range(count)
    ]


def row_of(table: PartitionedRows, student: str) -> Row:
    stored = table.get(home(student), student.encode())
    assert stored is not None
    return decode_row(stored)


@dataclass(frozen=True, slots=True)
class Everyday:
    """A worker that took in a class, broken records, events on a foreign partition, and a wish to be forgotten."""

    deployment: Deployment
    worker: WorkerProcess
    forgotten_at_ms: int


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with EmbeddedBroker() as running:
        yield running.bootstrap


@pytest.fixture(scope="module")
def started(
    broker: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, tuple[Deployment, WorkerProcess]]]:
    """The two workers that most tests share, started side by side."""
    with ExitStack() as stack:
        provider = stack.enter_context(OpenAIThread())
        everyday = stack.enter_context(
            deployed(broker, tmp_path_factory.mktemp("everyday"), reasoning="scripted", **FAST_LIMITS)
        )
        asking = stack.enter_context(
            deployed(broker, tmp_path_factory.mktemp("asking"), reasoning="openai", openai_timeout_s=4, **FAST_LIMITS)
        )
        PROVIDERS[asking.name] = provider
        keys = {"OPENAI_API_KEY": "sk-loopback", "OPENAI_BASE_URL": provider.url}
        foreign = (home(STRAY) + 1) % PARTITIONS
        strays = [Sent(each.key, each.value, partition=foreign) for each in many_of(STRAY, STRAY_EVENTS)]
        everyday.send([*CLASS, *BROKEN.values(), *strays])  # waiting when the worker starts: so few, whole batches
        yield {
            "everyday": (everyday, everyday.start()),
            "asking": (asking, asking.start(keys, log_level="debug")),
        }


PROVIDERS: dict[str, OpenAIThread] = {}


@pytest.fixture(scope="module")
def everyday(started: dict[str, tuple[Deployment, WorkerProcess]]) -> Everyday:
    deployment, worker = started["everyday"]
    worker.await_ready()
    until(lambda: len(deployment.explanations()) >= 12, "explanations of the class")
    deployment.send([Sent(FORGOTTEN.encode(), b"{}")], deployment.channels.erasures)
    deployment.await_caught_up()
    until(lambda: worker.metrics().get("calls_in_flight") == 0, "every result is read back")
    return Everyday(deployment, worker, deployment.records(deployment.channels.erasures)[0].timestamp)


# -- every event is accounted for


def test_every_event_has_its_outcome_and_the_table_equals_an_offline_replay(everyday: Everyday) -> None:
    replay = everyday.deployment.replay()
    counted = {outcome: everyday.worker.events(outcome) for outcome in ("applied", "ignored", "duplicates", "late")}

    assert counted == {outcome: getattr(replay.counts, outcome) for outcome in counted}
    assert everyday.worker.events("dead_lettered") == replay.counts.dead_lettered == len(BROKEN)
    outcomes = counted["applied"] + counted["ignored"] + counted["duplicates"] + len(BROKEN)
    assert outcomes == len(CLASS) + len(BROKEN) + STRAY_EVENTS
    assert {difference.student for difference in everyday.deployment.differences(replay)} == {FORGOTTEN}


def test_a_dead_letter_carries_the_original_bytes_and_where_they_came_from(everyday: Everyday) -> None:
    letters = {letter.reason: (record, letter) for record, letter in everyday.deployment.dead_letters()}
    originals = {(r.partition, r.offset): r for r in everyday.deployment.records(everyday.deployment.channels.activity)}

    assert letters.keys() == BROKEN.keys()
    for reason, (record, letter) in letters.items():
        original = originals[letter.partition, letter.offset]
        assert (record.key, record.value) == (BROKEN[reason].key, BROKEN[reason].value)
        assert (original.key, original.value) == (record.key, record.value)
        assert letter.topic == everyday.deployment.channels.activity
        assert letter.timestamp == original.timestamp
        assert record.partition == original.partition


def test_an_event_on_a_foreign_partition_is_rerouted_home_and_folded_once(everyday: Everyday) -> None:
    table = everyday.deployment.table()
    places = [partition for partition in range(PARTITIONS) if table.get(partition, STRAY.encode())]

    assert places == [home(STRAY)]
    assert row_of(table, STRAY).events == STRAY_EVENTS
    assert everyday.worker.events("rerouted") == STRAY_EVENTS


def test_the_last_update_of_each_student_says_how_far_its_row_is(everyday: Everyday) -> None:
    last = {update.student_id: update for update in everyday.deployment.updates()}
    table = everyday.deployment.table()

    assert last.keys() >= {record.key.decode() for record in CLASS if record.key}
    for student, update in last.items():
        if student != FORGOTTEN:
            row = row_of(table, student)
            assert update.seq == (row.epoch, row.offset)
            assert update.skills
            assert update.degraded == []


# -- explanations


def test_an_explanation_comes_out_and_its_result_is_read_back(everyday: Everyday) -> None:
    explanations, table = everyday.deployment.explanations(), everyday.deployment.table()
    explained = Counter(explanation.student_id for explanation in explanations)
    results = [(result.student_id, result.seq) for result in everyday.deployment.results()]

    settled = 0
    assert {explanation.generator for explanation in explanations} == {"scripted"}
    assert set(explained.values()) == {1}, "within the cooldown each student is explained once"
    assert sorted(results) == sorted((each.student_id, each.seq) for each in explanations)
    for explanation in explanations:
        if explanation.student_id != FORGOTTEN:
            row = row_of(table, explanation.student_id)
            assert (row.pending.reasoned_epoch, row.pending.reasoned_offset) == explanation.seq
            assert row.pending.since_us == 0 or explanation.seq < (row.epoch, row.offset)
            settled += row.pending.since_us == 0
    assert settled


# -- forgetting


def test_erasing_leaves_a_stub_and_deletes_what_was_published(everyday: Everyday) -> None:
    stub = row_of(everyday.deployment.table(), FORGOTTEN)

    assert stub.erased_us == everyday.forgotten_at_ms * 1_000
    assert (stub.events, stub.facts, stub.skills, stub.ids) == (0, {}, {}, b"")
    assert stub.offset >= 0, "a stub without its offset would be folded again after a restart"
    for topic in (everyday.deployment.channels.updates, everyday.deployment.channels.reasoning):
        said = [record for record in everyday.deployment.records(topic) if record.key == FORGOTTEN.encode()]
        assert said[-1].value is None
        assert said[-1].partition == home(FORGOTTEN)


def test_old_events_of_the_forgotten_are_not_folded_again_and_new_ones_are(everyday: Everyday) -> None:
    deployment, other = everyday.deployment, "after"
    late = [Sent(s.key, s.value, timestamp_ms=everyday.forgotten_at_ms - 1) for s in many_of(FORGOTTEN, 3, tag="late")]
    deployment.send([*late, *many_of(other, 1)])
    deployment.await_caught_up()
    assert row_of(deployment.table(), FORGOTTEN).events == 0

    deployment.send(many_of(FORGOTTEN, 2, tag="new"))
    deployment.await_caught_up()

    reborn = row_of(deployment.table(), FORGOTTEN)
    assert (reborn.events, reborn.erased_us) == (2, everyday.forgotten_at_ms * 1_000)


# -- input that must not end the worker


def test_a_record_that_is_not_a_result_does_not_stop_the_worker(everyday: Everyday) -> None:
    deployment = everyday.deployment
    deployment.send([Sent(b"who", b"not a result"), Sent(b"who", None)], deployment.channels.results)
    deployment.send([Sent(b"never-seen", b"{}"), Sent(None, b"{}")], deployment.channels.erasures)
    deployment.await_caught_up()

    assert everyday.worker.alive
    letters = [letter for _, letter in deployment.dead_letters() if letter.topic == deployment.channels.results]
    assert [letter.reason for letter in letters] == ["not_a_result"] * 2


# -- the pages


def test_the_pages_answer_and_faust_s_own_views_are_not_served(everyday: Everyday) -> None:
    worker = everyday.worker
    for path in ("/live", "/ready", "/health", "/health/detailed", "/metrics", "/"):
        assert worker.get(path).status == 200, path
    for path in ("/table/", "/table/students/", "/router/", "/graph/", "/stats/"):
        assert worker.get(path).status == 404, path

    assert worker.get("/health").json["status"] == "ok"
    components = worker.get("/health/detailed").json["components"]
    assert components.keys() >= {"broker", "table", "agents", "lag", "redis", "key", "reasoning", "model"}
    assert {part["status"] for part in components.values()} == {"ok"}


def test_pages_and_log_name_no_student(everyday: Everyday) -> None:
    shown = b"".join(everyday.worker.get(path).body for path in ("/", "/metrics", "/health/detailed"))

    for text in (shown.decode(), everyday.worker.log):
        assert "sim-0" not in text
        assert STRAY not in text


# -- OpenAI, over a loopback server


@pytest.fixture
def asking(started: dict[str, tuple[Deployment, WorkerProcess]]) -> tuple[Deployment, WorkerProcess, OpenAIThread]:
    deployment, worker = started["asking"]
    worker.await_ready()
    provider = PROVIDERS[deployment.name]
    provider.plan()
    return deployment, worker, provider


def _of(deployment: Deployment, student: str) -> list[Explanation]:
    return [explanation for explanation in deployment.explanations() if explanation.student_id == student]


def test_a_good_reply_becomes_an_explanation_and_no_identity_leaves(
    asking: tuple[Deployment, WorkerProcess, OpenAIThread],
) -> None:
    deployment, worker, provider = asking
    student, secret = f"canary-{uuid4().hex}", f"secret-{uuid4().hex}"
    told = [
        Sent(
            student.encode(), raw("message", student, event_id=f"m{n}", text=f"It was hard but I kept trying. {secret}")
        )
        for n in range(4)
    ]
    broken = Sent(student.encode(), b'{"student_id": "' + student.encode() + b'", "text": "' + secret.encode())
    deployment.send([*many_of(student, 12), *told, broken])
    until(lambda: bool(_of(deployment, student)), "an explanation")

    [explanation] = _of(deployment, student)
    assert explanation.generator == "model"
    assert explanation.model.startswith("gpt-4.1")
    claims = [claim for skill in explanation.skills for claim in skill.claims]
    assert claims
    assert all(claim.evidence for claim in claims)

    deployment.await_caught_up()
    sent = b"".join(exchange.body + repr(exchange.headers).encode() for exchange in provider.exchanges).decode()
    assert provider.exchanges
    shown = "".join(worker.get(path).body.decode() for path in ("/metrics", "/health/detailed", "/"))
    reasons = repr([letter for _, letter in deployment.dead_letters()])
    for place, text in {"provider": sent, "log": worker.log, "pages": shown, "dead letters": reasons}.items():
        assert student not in text, place
        assert secret not in text, place
    assert "sk-loopback" not in worker.log


def test_what_was_asked_before_a_student_was_forgotten_is_not_published_after(
    asking: tuple[Deployment, WorkerProcess, OpenAIThread],
) -> None:
    deployment, worker, provider = asking
    student, forgotten = f"leaving-{uuid4().hex[:6]}", threading.Event()
    ended = 'reasoning_calls_total{outcome="ok"}'
    asked, before = len(provider.exchanges), worker.metrics().get(ended, 0)

    def late(request: dict[str, Any]) -> web.Response:
        forgotten.wait(3.0)
        return openai.good(request)

    provider.plan(then=late)
    deployment.send(many_of(student, 12))
    until(lambda: len(provider.exchanges) > asked, "a call under way")
    deployment.send([Sent(student.encode(), b"{}")], deployment.channels.erasures)
    until(lambda: row_of(deployment.table(), student).erased_us > 0, "the student forgotten")
    forgotten.set()
    until(lambda: worker.metrics().get(ended, 0) > before, "a good reply")
    deployment.await_caught_up()

    said = [record for record in deployment.records(deployment.channels.reasoning) if record.key == student.encode()]
    assert [record.value for record in said] == [None]


FAULTS = {
    "429": (openai.throttled(retry_after="1"), "throttled"),
    "500": (openai.failing(500), "unavailable"),
    "hang": (openai.hanging, "unavailable"),
    "bad JSON": (openai.not_json, "bad_reply"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_scores_go_on_while_the_provider_fails(
    asking: tuple[Deployment, WorkerProcess, OpenAIThread], fault: str
) -> None:
    deployment, worker, provider = asking
    answer, outcome = FAULTS[fault]
    sample = f'reasoning_calls_total{{outcome="{outcome}"}}'
    before = worker.metrics().get(sample, 0)
    provider.plan(then=answer)
    first, second = (f"{fault}-{part}-{uuid4().hex[:6]}" for part in ("first", "second"))

    deployment.send(many_of(first, 12))
    until(lambda: worker.metrics().get(sample, 0) > before, f"a call that ends as {outcome}")
    deployment.send(many_of(second, 12))
    deployment.await_caught_up()

    said = {update.student_id: update for update in deployment.updates()}
    assert said[second].skills["problem_solving"].score > 0.5
    assert said[second].degraded == []
    assert worker.alive
    assert worker.get("/health").status == 200
    assert all(explanation.generator == "template" for explanation in _of(deployment, first))


# -- start and stop


def test_sigterm_under_load_drains_commits_what_it_did_and_exits_zero(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, max_batch_records=50) as deployment:
        deployment.send(Sent(record.key, record.value) for record in simulate(40, 20_000, seed=3))
        worker = deployment.start()
        until(lambda: sum(deployment.committed()) > 500, "some commits", 90.0)

        assert worker.terminate() == 0, worker.tail()

        committed = deployment.committed()
        assert 500 < sum(committed) < 20_000, "stopped too late to prove anything"
        rows = deployment.table()
        for partition in range(PARTITIONS):
            offsets = [decode_row(stored).offset for _, stored in rows.items(partition)]
            assert max(offsets, default=-1) < committed[partition], "a row holds what was never committed"
        said = {update.student_id: update.seq for update in deployment.updates()}
        for partition in range(PARTITIONS):
            for key, stored in rows.items(partition):
                assert said[key.decode()] == (0, decode_row(stored).offset)


@pytest.fixture(scope="module")
def refused(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, WorkerProcess]]:
    """Workers that cannot start, all started side by side to save time."""
    folder = tmp_path_factory.mktemp("refused")
    (nobody,) = free_ports(1)
    reachable = {"broker": broker, "app_id": "refused", "topic_prefix": "refused.", "web_port": 0, "model": "none"}
    cases: dict[str, tuple[dict[str, object], dict[str, str]]] = {
        "no key": ({**reachable, "reasoning": "openai"}, {}),
        "empty key": ({**reachable, "reasoning": "openai"}, {"OPENAI_API_KEY": "  "}),
        "no Kafka": ({**reachable, "reasoning": "off", "broker": f"127.0.0.1:{nobody}", "start_timeout_s": 2}, {}),
        "no Redis": (
            {**reachable, "reasoning": "scripted", "redis_url": f"redis://:hush@127.0.0.1:{nobody}/0"}
            | {"start_timeout_s": 2},
            {},
        ),
        "bad setting": ({**reachable, "partitions": "many"}, {}),
        "unknown setting": ({**reachable, "partitons": 4}, {}),
    }
    workers = {
        name: WorkerProcess(settings, folder / f"{number}.log", environment)
        for number, (name, (settings, environment)) in enumerate(cases.items())
    }
    yield workers
    for worker in workers.values():
        worker.end()


REFUSALS = {
    "no key": (2, ("OPENAI_API_KEY", "SKILLSTREAM_REASONING=scripted")),
    "empty key": (2, ("OPENAI_API_KEY", "SKILLSTREAM_REASONING=scripted")),
    "no Kafka": (3, ("no Kafka broker answers at 127.0.0.1:", "Is it running")),
    "no Redis": (3, ("no Redis answers at 127.0.0.1:", "SKILLSTREAM_REDIS_URL")),
    "bad setting": (2, ("SKILLSTREAM_PARTITIONS", "many", "int")),
    "unknown setting": (2, ("SKILLSTREAM_PARTITONS", "no such setting")),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_worker_that_cannot_do_its_job_refuses_to_start_and_says_why(
    refused: dict[str, WorkerProcess], case: str
) -> None:
    code, said = REFUSALS[case]
    worker = refused[case]

    assert worker.exit_code() == code, worker.tail()
    message = worker.log.splitlines()[-1]
    for part in said:
        assert part in message
    assert "Traceback" not in worker.log
    assert "hush" not in worker.log
