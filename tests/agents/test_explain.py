"""`skillstream explain` on the embedded broker: template, scripted model, and one behind a loopback server."""

from collections.abc import Iterator

import msgspec
import pytest
from confluent_kafka import Producer

from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from streams.input.partitioner import partitioner
from tests.agents.command import Ran, run_here
from tests.agents.openai_thread import OpenAIThread
from tests.servers.openai import ungrounded
from tests.unit.reasoning.samples import evidence, profile, scored, update

STUDENT = "urn:school:ada"
UPDATE = msgspec.structs.replace(
    update(
        problem_solving=scored(items=(evidence("e1", "recovered", 3.0), evidence("e2", "failed", 0.4, -1))),
        resilience=profile(evidence("e3", "gave_up", 1.0, -1), rates=()),
    ),
    student_id=STUDENT,
)


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """With two updates of the student, the newer one second."""
    with EmbeddedBroker() as running:
        producer = Producer({"bootstrap.servers": running.bootstrap})
        for each in (msgspec.structs.replace(UPDATE, skills={}), UPDATE):
            partition = partitioner("murmur2").owning_partition(STUDENT.encode(), PARTITIONS)
            assert partition is not None
            producer.produce("skill-updates", msgspec.json.encode(each), STUDENT.encode(), partition)
        assert producer.flush(10) == 0
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
    assert "problem_solving: Passed a task on try 3 (2 days ago). This speaks for the skill." in ran.text
    assert STUDENT not in ran.text.partition("PROMPT")[2].partition("EXPLANATION")[0]


def test_it_is_explained_as_a_worker_would_and_nothing_is_published(broker: str) -> None:
    [report] = explain(broker, STUDENT, "--json").lines
    [answer] = report["answers"]
    assert [claim["holds"] for claim in answer["claims"]] == [True, True, True]
    assert report["explanation"]["generator"] == "scripted"
    assert [skill["skill"] for skill in report["explanation"]["skills"]] == ["problem_solving", "resilience"]


def test_each_claim_that_goes_has_its_reason_and_the_second_answer_is_shown(broker: str) -> None:
    with OpenAIThread() as server:
        server.plan(ungrounded)
        ran = explain(
            broker,
            STUDENT,
            SKILLSTREAM_REASONING="openai",
            OPENAI_API_KEY="sk-canary",
            OPENAI_BASE_URL=server.url,
            SKILLSTREAM_CALLS_PER_MINUTE="6000",
            SKILLSTREAM_CALLS_PER_HOUR="360000",
        )
    assert ran.code == 0, ran.err
    assert "GOES + problem_solving: Solved 9876 tasks in a row." in ran.text
    assert "because it writes a number (9876)" in ran.text
    assert "ANSWER 2 by gpt-4.1" in ran.text
    assert "USED 2 calls" in ran.text
    assert "sk-canary" not in ran.text + ran.err


@pytest.mark.parametrize(
    ("arguments", "around", "code", "said"),
    [
        (["nobody"], {}, 3, "nothing is published of nobody"),
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
