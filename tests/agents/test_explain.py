"""`skillstream explain` on the embedded broker: template, scripted model, and one behind a loopback server."""

import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from aiohttp import web
from confluent_kafka import Producer

from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from streams.input.partitioner import partitioner
from tests.agents.command import Ran, run_here
from tests.agents.openai_thread import OpenAIThread
from tests.servers.openai import Answer, completion, facts_in, failing, out_of_quota, throttled, ungrounded
from tests.unit.reasoning.samples import evidence, profile, scored, update

STUDENT = "urn:school:ada"
UPDATE = msgspec.structs.replace(
    update(
        problem_solving=scored(items=(evidence("recovered", 3.0), evidence("failed", 0.4, -1))),
        resilience=profile(evidence("gave_up", 1.0, -1), rates=()),
    ),
    student_id=STUDENT,
)


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """With two updates of the student, the newer one second."""
    with EmbeddedBroker() as running:
        producer = Producer({"bootstrap.servers": running.bootstrap})
        former, newer = (msgspec.json.encode(each) for each in (msgspec.structs.replace(UPDATE, skills={}), UPDATE))
        said: list[tuple[str, bytes | None]] = [(STUDENT, former), (STUDENT, newer), ("foreign", b'{"a": 1}')]
        for student, value in [*said, ("erased", newer), ("erased", None)]:
            partition = partitioner("murmur2").owning_partition(student.encode(), PARTITIONS)
            assert partition is not None
            producer.produce("skill-updates", value, student.encode(), partition)
        assert producer.flush(60) == 0
        yield running.bootstrap


def explain(broker: str, *arguments: str, **around: str) -> Ran:
    settings = {"SKILLSTREAM_BROKER": broker, "SKILLSTREAM_REASONING": "scripted", **around}
    return run_here(settings, "explain", *arguments)


def test_a_dry_run_shows_facts_prompt_and_template_and_needs_no_key(broker: str) -> None:
    ran = explain(broker, STUDENT, "--dry-run", SKILLSTREAM_REASONING="openai")
    assert (ran.code, ran.err) == (0, "")
    assert "+ e1: passed a task on try 3, 2 days ago" in ran.text
    assert "You explain to a teacher" in ran.text
    assert "at gpt-4.1's price" in ran.text
    assert "EXPLANATION by template" in ran.text
    assert "problem_solving: Passed a task on try 3 (2 days ago), which speaks for problem solving." in ran.text
    assert STUDENT not in ran.text.partition("PROMPT")[2].partition("EXPLANATION")[0]


def test_in_another_language_the_template_tells_and_nobody_is_asked(broker: str) -> None:
    [report] = explain(broker, STUDENT, "--json", SKILLSTREAM_LANGUAGE="de", SKILLSTREAM_REASONING="openai").lines
    explanation = report["explanation"]
    assert (explanation["language"], explanation["reason"], report["answers"]) == ("de", "language", [])
    assert "Eine Aufgabe aufgegeben (vor 2 Tagen)." in [claim["text"] for claim in explanation["skills"][1]["claims"]]


def test_it_is_explained_as_a_worker_would_and_nothing_is_published(broker: str) -> None:
    [report] = explain(broker, STUDENT, "--json").lines
    [answer] = report["answers"]
    assert [claim["holds"] for claim in answer["claims"]] == [True, True, True]
    assert report["explanation"]["generator"] == "scripted"
    assert [skill["skill"] for skill in report["explanation"]["skills"]] == ["problem_solving", "resilience"]


def test_each_claim_that_goes_has_its_reason_and_the_second_answer_is_shown(broker: str) -> None:
    with OpenAIThread() as server:
        server.plan(ungrounded)
        ran = explain_by(broker, server)
    assert ran.code == 0, ran.err
    assert "GOES + problem_solving: Solved 9876 tasks in a row." in ran.text
    assert "because it writes a number (9876)" in ran.text
    assert "ANSWER 2 by gpt-4.1" in ran.text
    assert "USED 2 calls" in ran.text
    assert "sk-canary" not in ran.text + ran.err


def test_after_two_answers_that_fail_the_check_both_are_shown_and_the_template_speaks(broker: str) -> None:
    with OpenAIThread() as server:
        server.plan(then=numbered)
        ran = explain_by(broker, server)
    assert ran.code == 0, ran.err
    assert ran.text.count("because it writes a number (9)") == 4
    assert "EXPLANATION by template (template-" in ran.text
    assert "because: rejected" in ran.text
    assert "suggestion: " in ran.text


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (failing(500), "the model's server answered 500"),
        (failing(401), "check OPENAI_API_KEY"),
        (out_of_quota, "add credit or raise its limit"),
        (throttled(retry_after="90"), "the model's server answered 429"),
    ],
)
def test_a_model_that_does_not_answer_is_code_3_with_the_reason(broker: str, answer: Answer, why: str) -> None:
    with OpenAIThread() as server:
        server.plan(then=answer)
        ran = explain_by(broker, server)
    assert ran.code == 3
    assert "ANSWER 1: none, the model's server answered" in ran.text
    assert why in ran.text.partition("NO EXPLANATION: ")[2]


def explain_by(broker: str, server: OpenAIThread) -> Ran:
    fast = {"SKILLSTREAM_CALLS_PER_MINUTE": "6000", "SKILLSTREAM_CALLS_PER_HOUR": "360000"}
    key = {"OPENAI_API_KEY": "sk-canary", "OPENAI_BASE_URL": server.url}
    return explain(broker, STUDENT, SKILLSTREAM_REASONING="openai", **key, **fast)


def numbered(asked: dict[str, Any]) -> web.Response:
    """No claim of it holds."""
    claims = [{"text": "Passed 9 tasks.", "evidence": ["e1"], "direction": "up"}]
    skills = [{"skill": skill["skill"], "claims": claims} for skill in facts_in(asked)["skills"]]
    return completion(asked, json.dumps({"skills": skills}))


@pytest.mark.parametrize(
    ("arguments", "around", "code", "said"),
    [
        (["nobody"], {}, 3, "nothing is published of nobody"),
        (["erased"], {}, 3, "nothing is published of erased"),
        (["foreign", "--dry-run"], {}, 1, "no update that this version of skillstream reads"),
        ([""], {}, 2, "is empty: it is the key of a student's events"),
        (["\udcff"], {}, 2, "is no UTF-8"),
        (
            [STUDENT],
            {"SKILLSTREAM_BROKER": "127.0.0.1:1", "SKILLSTREAM_START_TIMEOUT_S": "0.5"},
            3,
            "the broker at 127.0.0.1:1 does not answer",
        ),
        ([STUDENT], {"SKILLSTREAM_REDIS_URL": "redis://127.0.0.1:9/0"}, 3, "Redis is away, at 127.0.0.1:9"),
        ([STUDENT], {"SKILLSTREAM_REASONING": "off"}, 2, "--dry-run"),
        ([STUDENT], {"SKILLSTREAM_REASONING": "openai"}, 2, "OPENAI_API_KEY"),
    ],
)
def test_what_cannot_be_explained_is_said(
    broker: str, arguments: list[str], around: dict[str, str], code: int, said: str
) -> None:
    ran = explain(broker, *arguments, **around)
    assert ran.code == code
    assert said in ran.err
