"""The worker and its provider: what is asked, what never leaves, and what happens while the provider fails."""

import threading
import time
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest
from aiohttp import web

from schemas.explanation import Explanation
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed
from tests.agents.openai_thread import OpenAIThread
from tests.agents.single_students import FAST_LIMITS, many_of, row_of
from tests.agents.worker_process import WorkerProcess
from tests.events import raw
from tests.servers import openai

SETTINGS = {**FAST_LIMITS, "cached_answers": 0}  # these students are all alike, and each is to be asked about
Asking = tuple[Deployment, WorkerProcess, OpenAIThread]


@pytest.fixture(scope="module")
def started(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asking]:
    folder = tmp_path_factory.mktemp("asking")
    with (
        OpenAIThread() as provider,
        deployed(broker, folder, model="none", reasoning="openai", openai_timeout_s=15, **SETTINGS) as deployment,
    ):
        keys = {"OPENAI_API_KEY": "sk-loopback", "OPENAI_BASE_URL": provider.url}
        worker = deployment.start(keys, log_level="debug")
        worker.await_ready()
        yield deployment, worker, provider


@pytest.fixture
def asking(started: Asking) -> Asking:
    """With a provider that answers well."""
    started[2].plan()
    return started


def _of(deployment: Deployment, student: str) -> list[Explanation]:
    return [explanation for explanation in deployment.explanations() if explanation.student_id == student]


def test_a_good_reply_becomes_an_explanation_and_no_identity_leaves(asking: Asking) -> None:
    deployment, worker, provider = asking
    student, secret = f"canary-{uuid4().hex}", f"secret-{uuid4().hex}"
    noted = [
        Sent(
            student.encode(), raw("message", student, event_id=f"m{n}", text=f"It was hard but I kept trying. {secret}")
        )
        for n in range(4)
    ]
    broken = Sent(student.encode(), b'{"student_id": "' + student.encode() + b'", "text": "' + secret.encode())
    deployment.send([*many_of(student, 12), *noted, broken])
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
    reasons = repr([dead_letter for _, dead_letter in deployment.dead_letters()])
    for place, text in {"provider": sent, "log": worker.log, "pages": shown, "dead letters": reasons}.items():
        assert student not in text, place
        assert secret not in text, place
    assert "sk-loopback" not in worker.log


def test_what_was_asked_before_a_student_was_erased_is_not_published_after(asking: Asking) -> None:
    deployment, worker, provider = asking
    student, forgotten = f"leaving-{uuid4().hex[:6]}", threading.Event()
    ended = 'reasoning_calls_total{outcome="ok"}'
    asked, before = len(provider.exchanges), worker.metrics().get(ended, 0)

    def late(request: dict[str, Any]) -> web.Response:
        forgotten.wait(14.0)
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
    "1,000 deep": (openai.of_bytes(b'{"choices":[],"x":' + b"[" * 1_000 + b"]" * 1_000 + b"}"), "bad_reply"),
    "an odd error": (openai.of_bytes(b'{"error":{"message":"boom","code":["a"],"type":{"x":1}}}', 429), "throttled"),
    "an odd charset": (openai.of_bytes(b"{}", 500, Content_Type="application/json; charset=rot13"), "unavailable"),
    "endless": (openai.endless, "too_large"),
}


@pytest.mark.parametrize(
    "fault",
    ["hang", *(pytest.param(fault, marks=pytest.mark.long) for fault in FAULTS if fault != "hang")],
)
def test_scores_go_on_while_the_provider_fails(asking: Asking, fault: str) -> None:
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
    assert said[second].skills["problem_solving"].kind == "profile"
    assert said[second].degraded == []
    assert worker.alive
    assert worker.get("/health").status == 200
    assert all(explanation.generator == "template" for explanation in _of(deployment, first))


def test_tokens_that_cannot_be_are_not_counted(asking: Asking) -> None:
    deployment, worker, provider = asking
    student = f"negative-{uuid4().hex[:6]}"
    provider.plan(then=openai.using(prompt_tokens=-7, completion_tokens=2**70))
    deployment.send(many_of(student, 12))
    until(lambda: bool(_of(deployment, student)), "an explanation")
    assert worker.alive
    assert all(0 <= tokens < 2**40 for name, tokens in worker.metrics().items() if name.startswith("tokens_total"))


def test_within_a_minute_health_says_that_the_provider_is_dead_and_why(asking: Asking) -> None:
    """The last one here: calls pause then."""
    deployment, worker, provider = asking
    provider.plan(then=openai.failing(500))
    began_s = time.monotonic()
    deployment.send(event for number in range(3) for event in many_of(f"dead-{number}-{uuid4().hex[:6]}", 12))
    until(lambda: "reasoning" in worker.get("/health").json.get("problems", {}), "health says so", 60.0)

    assert time.monotonic() - began_s < 60
    assert worker.get("/health").json["status"] == "degraded"
    assert "the model's server answered 500" in worker.get("/health").json["problems"]["reasoning"]
    until(lambda: "No explanations for now" in worker.log, "a line")
    until(lambda: worker.metrics()["reasoning_paused"] == 1, "the gauge says so")
