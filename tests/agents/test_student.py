"""`skillstream student` on the embedded broker, with no worker: what is published of one student."""

from collections.abc import Iterator
from typing import Final

import msgspec
import pytest
from confluent_kafka import Producer

from agents.kafka.embedded import PARTITIONS, EmbeddedBroker
from agents.operations import newest
from schemas.catalogue import encode_entry
from schemas.examples import CATALOGUE_ENTRY, EXPLANATION, UPDATE
from schemas.update import ComponentMastery, ScoreChange, SkillScore
from streams.input.partitioner import partitioner
from tests.agents.command import Ran, run_here

SCORED: Final = SkillScore(
    score=0.3, low=0.1, high=0.62, confidence=0.2, level="emerging", validated=False, contributions={}
)
COMPONENT: Final = ComponentMastery(component="adding fractions", p=0.7, low=0.5, high=0.85, n=12, trend=0.1)
FULL: Final = msgspec.structs.replace(
    UPDATE,
    skills={**UPDATE.skills, "empathy": SCORED},
    mastery=[COMPONENT],
    changed=[ScoreChange("problem_solving", 0.52, 0.64, 1), ScoreChange("empathy", 0.41, 0.3)],
    class_id="7b",
)
HOSTILE: Final = msgspec.structs.replace(UPDATE, student_id="bo", config_version="other\x1b[31m")
OLDER: Final = msgspec.structs.replace(UPDATE, skills={})


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    """Ada has two updates and an explanation; what lies between them is of others."""
    with EmbeddedBroker() as running:
        producer = Producer({"bootstrap.servers": running.bootstrap})

        def publish(topic: str, key: str, value: bytes | None) -> None:
            partition = partitioner("murmur2").owning_partition(key.encode(), PARTITIONS)
            assert partition is not None
            producer.produce(topic, value, key.encode(), 0 if topic == "skill-catalogue" else partition)

        publish("skill-updates", "ada", msgspec.json.encode(OLDER))
        publish("skill-updates", "ada", msgspec.json.encode(FULL))
        for number in range(60):
            publish("skill-updates", f"other-{number}", msgspec.json.encode(OLDER))
        publish("skill-updates", "bo", msgspec.json.encode(HOSTILE))
        publish("skill-updates", "erased", msgspec.json.encode(FULL))
        publish("skill-updates", "erased", None)
        publish("skill-updates", "foreign", b'{"a": 1}')
        producer.produce("skill-updates", msgspec.json.encode(FULL), b"moved", 0, timestamp=1_000)
        producer.produce("skill-updates", None, b"moved", 1, timestamp=2_000)
        publish("skill-reasoning", "ada", msgspec.json.encode(EXPLANATION))
        publish("skill-reasoning", "bo", b"no JSON")
        publish("skill-catalogue", CATALOGUE_ENTRY.config_version, encode_entry(CATALOGUE_ENTRY))
        assert producer.flush(60) == 0
        yield running.bootstrap


def student(broker: str, *arguments: str, **around: str) -> Ran:
    return run_here({"SKILLSTREAM_BROKER": broker, **around}, "student", *arguments)


def as_json(message: msgspec.Struct) -> object:
    return msgspec.json.decode(msgspec.json.encode(message))


def test_the_page_has_skills_with_intervals_and_why_components_and_the_explanation(broker: str) -> None:
    ran = student(broker, "ada")

    assert (ran.code, ran.err) == (0, "")
    for said in (
        "class 7b",
        "Sources that failed: behaviour",
        "problem_solving           0.52 → 0.64  +0.12",
        "    because: ran a simulation with a single control set (climate)",
        "empathy                   0.41 → 0.30  -0.11",
        "empathy                   0.30  ··├───●─────┤········  emerging",
        "0.10 to 0.62 in 9 of 10 cases, confidence 0.20, not validated",
        "rests on a model trained on PISA 2012",
        "+0.58 log-odds of 16 events",
        "+ ran a simulation with a single control set (climate), 2026-01-05 09:02 UTC",
        "no score: what was seen, in counts",
        "came back to 3 of 4 failed tasks, more of late",
        "- gave up on a task",
        "adding fractions          0.70  ··········├───●──┤···  of 12, more of late",
        "Resilience, as it was seen",
        "To try: Before a hint",
    ):
        assert said in ran.text


@pytest.mark.parametrize("columns", ["60", "80", "200"])
def test_no_line_is_wider_than_the_terminal(broker: str, columns: str) -> None:
    lines = student(broker, "ada", COLUMNS=columns).text.splitlines()

    assert max(map(len, lines)) <= min(int(columns), 100)


def test_json_has_the_messages_as_they_are(broker: str) -> None:
    [found] = student(broker, "ada", "--json").lines

    assert found["update"] == as_json(FULL)
    assert found["explanation"] == as_json(EXPLANATION)
    assert found["catalogue"]["config_version"] == CATALOGUE_ENTRY.config_version


def test_without_entry_and_explanation_the_facts_names_are_shown_and_nothing_acts_on_the_terminal(broker: str) -> None:
    ran = student(broker, "bo")

    assert ran.code == 0
    assert "+ varied_one (climate)" in ran.text
    assert "tries_again_after_failing: 3 of 4" in ran.text
    assert "Last explanation" not in ran.text
    assert "\x1b" not in ran.text


def test_who_is_further_back_than_the_first_look_is_found_as_well(broker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newest, "_FIRST_SPAN", 1)

    [found] = student(broker, "ada", "--json").lines
    assert found["update"] == as_json(FULL)


@pytest.mark.parametrize(
    ("arguments", "around", "code", "said"),
    [
        (["nobody"], {}, 1, "nothing is published of nobody. STUDENT is the key of the events, to the letter"),
        (["erased"], {}, 1, "nothing is published of erased"),
        (["moved"], {"SKILLSTREAM_PARTITIONER": "unchecked"}, 1, "nothing is published of moved"),
        (["foreign"], {}, 1, "no update that this version of skillstream reads"),
        ([""], {}, 2, "is empty: it is the key of a student's events"),
        (["ada"], {"SKILLSTREAM_BROKER": "127.0.0.1:1", "SKILLSTREAM_START_TIMEOUT_S": "0.5"}, 3, "does not answer"),
    ],
)
def test_what_is_not_there_is_said_with_its_exit_code(
    broker: str, arguments: list[str], around: dict[str, str], code: int, said: str
) -> None:
    ran = student(broker, *arguments, **around)

    assert (ran.code, ran.out) == (code, b"")
    assert said in ran.err
