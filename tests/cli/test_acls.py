"""`skillstream acls`: each part may do what it needs, and nobody else writes what is decided by."""

import shlex
from collections import defaultdict
from pathlib import Path

import pytest
import yaml

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.operations.acls import grants_of
from tests.cli.conftest import Run

ALL = Settings(attention_topic="student-attention")


def writers(topic: str) -> set[str]:
    return {
        part
        for part, grants in grants_of(ALL, ("north", "south")).items()
        for grant in grants
        if topic in grant.names and "Write" in grant.operations
    }


@pytest.mark.parametrize(
    ("topic", "expected"),
    {
        "student-activity": {"worker", "producer-north", "producer-south", "gateway", "operator"},
        "erasures": {"worker", "operator"},
        "reasoning-results": {"worker"},
        "fusion-config": {"operator"},
        "skill-updates": {"worker"},
        "skill-history": {"worker"},
        "skill-reasoning": {"worker"},
        "skill-catalogue": {"worker"},
        "student-attention": {"worker"},
        "norms": {"worker"},
        "norm-shards": {"worker"},
        "skillstream-workers": {"worker"},
        "dead-letters": {"worker", "operator"},
        "audit": {"worker", "operator"},
        "skillstream-students-changelog": {"worker", "operator"},
        "skillstream-header-keys": {"worker", "operator"},
    }.items(),
)
def test_who_may_write_a_topic(topic: str, expected: set[str]) -> None:
    assert writers(topic) == expected


def test_every_topic_has_a_writer() -> None:
    assert [topic for topic in Channels.of(ALL).names if not writers(topic)] == []


def test_nobody_but_workers_and_operators_reads_the_key_of_our_headers_or_what_producers_send() -> None:
    readers = defaultdict(set)
    for part, grants in grants_of(ALL, ()).items():
        for grant in grants:
            for name in grant.names if "Read" in grant.operations else ():
                readers[name].add(part)

    assert readers["skillstream-header-keys"] == readers["student-activity"] == {"worker", "verify", "operator"}
    assert readers["student-attention"] == {"operator"}


def test_a_producer_may_write_events_and_nothing_else(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "tenants.toml"
    file.write_text(f'[tenants.north]\nstudents = "north:"\nsigning_keys = ["{"n" * 32}"]\n')
    config = tmp_path / "skillstream.toml"
    config.write_text(f'tenants = "{file}"\ntopic_prefix = "dev."\n')

    ran = run(
        "acls", "--config", str(config), "--part", "producer-north", "--principal", "producer-north=User:CN=north"
    )

    assert ran.code == 0, ran.err
    [_, line] = ran.out.splitlines()
    assert shlex.split(line)[3:] == (
        "--add --allow-principal User:CN=north --operation Write --topic dev.student-activity".split()
    )


def test_strimzi_s_users_have_the_same_rules(run: Run) -> None:
    users = list(yaml.safe_load_all(run("acls", "--format", "strimzi", "--cluster", "kafka-1").out))

    grants = grants_of(Settings(), ())
    assert [user["metadata"]["name"] for user in users][:2] == ["skillstream", "skillstream-producer"]
    for user, of_part in zip(users, grants.values(), strict=True):
        rules = user["spec"]["authorization"]["acls"]
        assert user["metadata"]["labels"] == {"strimzi.io/cluster": "kafka-1"}
        assert [(rule["resource"].get("name", ""), rule["operations"]) for rule in rules] == [
            (name, list(grant.operations)) for grant in of_part for name in grant.names or [""]
        ]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--part", "teacher"), "there is no part 'teacher', but worker, producer, gateway"),
        (("--principal", "worker"), "is not PART=TYPE:NAME"),
        (("--principal", "worker=User:a b"), "is not PART=TYPE:NAME"),
        (("--principal", "teacher=User:a"), "there is no part 'teacher'"),
    ],
)
def test_what_cannot_be_meant_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ran = run("acls", *arguments)

    assert ran.code == 2
    assert said in ran.err
