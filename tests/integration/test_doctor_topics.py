"""`skillstream topics` on a real Kafka, and that the commands which it names mend what it found."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient

from agents.kafka.topics import TopicSpec, ensure_topics
from agents.operations.doctor.topics import specs_of
from tests.agents.deployment import Deployment, Sent
from tests.cli.conftest import Run, run
from tests.servers.topics import configure, delete_before

__all__ = ["run"]
TOPICS = 15
CONFIGURE = ["kafka-configs.sh", "--bootstrap-server", "--alter", "--entity-type", "topics"]


@pytest.fixture
def deployment(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    """One without topics, that the commands are told of."""
    made = Deployment(kafka, tmp_path)
    for name, value in made.given().items():
        monkeypatch.setenv(f"SKILLSTREAM_{name.upper()}", str(value))
    yield made
    topics = [spec.name for spec in specs_of(made.settings)]
    admin = AdminClient({"bootstrap.servers": kafka})
    for answer in admin.delete_topics(topics).values():
        answer.exception(10)


def asked_for(command: str) -> tuple[str, dict[str, str]]:
    """The topic and the settings of a kafka-configs.sh command."""
    words = shlex.split(command)
    assert [word for word in CONFIGURE if word not in words] == []
    settings, config = words[words.index("--add-config") + 1], {}
    while settings:
        name, _, rest = settings.partition("=")
        closing = "]," if rest.startswith("[") else ","
        value, _, settings = rest.partition(closing)
        config[name] = value.strip("[]")
    return words[words.index("--entity-name") + 1], config


def test_topics_are_made_as_a_worker_makes_them(deployment: Deployment, run: Run) -> None:
    planned = run("topics", "create", "--dry-run")
    assert (planned.code, planned.out.count("would be made")) == (0, TOPICS)
    missing = run("topics", "check")
    assert (missing.code, missing.out.count("missing")) == (1, TOPICS)
    assert "skillstream topics create" in missing.out

    assert run("topics", "create").out.count("made") == TOPICS

    assert run("topics", "create").out.count("is there") == TOPICS
    assert run("topics", "check").code == 0


def test_wrong_policies_are_named_with_the_command_that_mends_them(deployment: Deployment, run: Run) -> None:
    run("topics", "create")
    wrong = {
        deployment.changelog: {"cleanup.policy": "compact,delete", "min.compaction.lag.ms": "0"},
        deployment.channels.updates: {"cleanup.policy": "delete", "min.insync.replicas": "2"},
        deployment.channels.activity: {"max.message.bytes": "14000000", "retention.ms": "-1"},
        deployment.channels.dead_letters: {"retention.ms": "-1"},
    }
    for topic, config in wrong.items():
        configure(deployment.broker, topic, config)

    checked = run("topics", "check")

    assert checked.code == 1
    for said in (
        "cleanup.policy is compact,delete, not compact",
        "min.compaction.lag.ms is 0, not 86000",
        "cleanup.policy is delete, not compact,delete",
        "min.insync.replicas is 2, not 1",
        "max.message.bytes is 12648448, not 14065536",
        "retention.ms is -1, not 2419200000",
    ):
        assert said in checked.out
    commands = [line for line in checked.out.splitlines() if line.startswith("kafka-configs.sh")]
    assert {asked_for(command)[0] for command in commands} == set(wrong) - {deployment.channels.activity}
    for command in commands:
        configure(deployment.broker, *asked_for(command))
    assert run("topics", "check").code == 0


@pytest.mark.parametrize(
    ("channel", "policy", "mended"),
    [
        ("activity", "compact", "delete"),
        ("updates", "delete", "[compact,delete]"),
        ("changelog", "compact,delete", "compact"),
    ],
)
def test_a_worker_refuses_a_policy_that_loses_records(
    deployment: Deployment, run: Run, channel: str, policy: str, mended: str
) -> None:
    run("topics", "create")
    topic = deployment.changelog if channel == "changelog" else getattr(deployment.channels, channel)
    configure(deployment.broker, topic, {"cleanup.policy": policy})

    refused, examined = run("worker"), run("doctor")

    assert (refused.code, examined.code) == (4, 1)
    said = f"topic {topic} has cleanup.policy={policy} and would lose records"
    assert said in refused.err
    assert f"--entity-name {topic} --add-config cleanup.policy={mended}" in refused.err
    assert said in " ".join(examined.out.split())


def test_a_topic_that_keeps_more_than_it_must_is_as_good(deployment: Deployment, run: Run) -> None:
    run("topics", "create")
    configure(deployment.broker, deployment.channels.updates, {"cleanup.policy": "compact", "retention.ms": "-1"})

    assert run("topics", "check").code == 0


def test_another_number_of_partitions_is_refused(deployment: Deployment, run: Run) -> None:
    ensure_topics(deployment.broker, [TopicSpec(deployment.channels.results, 2)])

    checked, planned, made = run("topics", "check"), run("topics", "create", "--dry-run"), run("topics", "create")

    assert (checked.code, planned.code, made.code) == (1, 4, 4)
    for noted in (checked.out, planned.err, made.err):
        assert "has 2 partitions, 4 are needed" in noted


def test_a_cluster_of_the_former_settings_goes_on_and_one_command_brings_it_up(
    deployment: Deployment, run: Run
) -> None:
    """As workers made their topics before recovery was bounded: an hour's lag, Kafka's own segments and ratio."""
    former = {"cleanup.policy": "compact", "min.compaction.lag.ms": "3600000", "max.message.bytes": "12648448"}
    updates = {"cleanup.policy": "compact,delete", "retention.ms": "31536000000"}
    ensure_topics(
        deployment.broker,
        [TopicSpec(deployment.changelog, 4, 1, former), TopicSpec(deployment.channels.updates, 4, 1, updates)],
    )
    worker = deployment.start()
    try:
        worker.await_ready()
        warned = [line for line in worker.log.splitlines() if "compacted otherwise" in line]
        assert worker.terminate() == 0
    finally:
        worker.end()

    checked, examined = run("topics", "check"), run("doctor")

    commands = [line for line in checked.out.splitlines() if line.startswith("kafka-configs.sh")]
    assert (checked.code, examined.code) == (1, 0), "a warning, no refusal"
    assert "segment.ms is 604800000, not 180000" in " ".join(examined.out.split())
    assert {topic: sorted(config) for topic, config in map(asked_for, commands)} == {
        deployment.changelog: [
            "max.compaction.lag.ms",
            "min.cleanable.dirty.ratio",
            "min.compaction.lag.ms",
            "segment.bytes",
            "segment.ms",
        ],
        deployment.channels.updates: ["max.compaction.lag.ms"],
    }
    assert len(warned) == 2
    assert all(any(command in line for line in warned) for command in commands), "the worker names the same commands"
    for command in commands:
        configure(deployment.broker, *asked_for(command))
    assert run("topics", "check").code == 0


def test_dead_letters_are_compacted_only_once_none_shares_its_key(
    deployment: Deployment, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run("topics", "create")
    dead_letters = deployment.channels.dead_letters
    deployment.send([Sent(b"ada", b"of old", 0), Sent(b"ada", b"of old", 0)], dead_letters)
    monkeypatch.setenv("SKILLSTREAM_DEAD_LETTER_KEYS", "unique")

    early = run("topics", "check")

    assert early.code == 1
    assert "compaction would lose them: once they are sent back and deleted, or past their retention" in early.out
    assert not [line for line in early.out.splitlines() if line.startswith("kafka-configs") and "policy" in line]
    delete_before(deployment.broker, dead_letters, {0: 2})
    deployment.send([Sent(f"{deployment.channels.activity}/0/7/0/{0:016x}".encode(), b"of ours", 0)], dead_letters)
    [command] = [line for line in run("topics", "check").out.splitlines() if line.startswith("kafka-configs.sh")]
    assert asked_for(command)[1]["cleanup.policy"] == "compact,delete"
    configure(deployment.broker, *asked_for(command))
    assert run("topics", "check").code == 0
    monkeypatch.setenv("SKILLSTREAM_DEAD_LETTER_KEYS", "record")
    assert f"topic {dead_letters} has cleanup.policy=compact,delete and would lose records" in run("worker").err
