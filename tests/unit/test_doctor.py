"""The doctor's own logic: what its checks conclude from what they are told."""

import re
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import Distribution, distribution
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import pytest

from agents.config.channels import Channels
from agents.config.settings import Settings, load_settings
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.topics import TopicMismatch, TopicSpec
from agents.operations.doctor.check import Finding, exit_code, ok, problem, run_checks, warning
from agents.operations.doctor.clock import http_ahead_s
from agents.operations.doctor.contents import check_placement
from agents.operations.doctor.installed import is_ours
from agents.operations.doctor.local import ModelArtifact
from agents.operations.doctor.topics import BrokerTopic, deviations, mending, specs_of
from streams.evidence.artifacts import load_artifact, save_artifact
from streams.input.origin import ORIGIN_HEADER
from streams.input.partitioner import PartitionerName, partitioner
from tests.unit.training.boosting import fitted
from tests.unit.training.former import bytes_of, former_artifact

AWAY = Finding("problem", "nobody answers", unreachable=True)
PARTITIONS = 4


@dataclass
class Scripted:
    """A check that finds what it is told, fails, or hangs until it is let go."""

    name: str
    finds: Finding | Exception | None = None
    decides: bool = True
    let_go: threading.Event = field(default_factory=threading.Event)

    def run(self) -> Iterator[Finding]:
        if isinstance(self.finds, Exception):
            raise self.finds
        if self.finds is None:
            self.let_go.wait()
            return
        yield self.finds


def test_a_check_that_hangs_or_breaks_says_nothing_of_the_others() -> None:
    hangs, idles = Scripted("hangs"), Scripted("idles", decides=False)
    checks = [
        hangs,
        Scripted("breaks", ValueError("redis://:password@host")),
        Scripted("refuses", TopicMismatch("topic x has 2 partitions")),
        Scripted("unreached", BrokerUnavailable("no broker")),
        idles,
        Scripted("fine", ok("all is well")),
    ]

    found = {each.name: each.findings[0] for each in run_checks(checks, timeout_s=0.5)}

    assert list(found) == [check.name for check in checks]
    assert [finding.status for finding in found.values()] == ["problem"] * 4 + ["warning", "ok"]
    assert [name for name, finding in found.items() if finding.unreachable] == ["hangs", "unreached"]
    assert "password" not in str(found)
    assert "ValueError" in found["breaks"].said
    hangs.let_go.set()
    idles.let_go.set()


@pytest.mark.parametrize(
    ("findings", "code"),
    [([ok("a"), warning("b")], 0), ([warning("b"), problem("c")], 1), ([AWAY, ok("a")], 3), ([AWAY, problem("c")], 1)],
)
def test_only_what_keeps_a_worker_from_starting_fails(findings: list[Finding], code: int) -> None:
    assert exit_code(findings) == code


# -- topics

CHANGELOG = TopicSpec(
    "log", PARTITIONS, 1, {"cleanup.policy": "compact", "min.compaction.lag.ms": "3600000", "max.message.bytes": "99"}
)
DEAD_LETTERS = TopicSpec("letters", PARTITIONS, 2, {"retention.ms": "7000", "max.message.bytes": "12000000"})


def a_topic(replication: int = 1, partitions: int = PARTITIONS, **config: str) -> BrokerTopic:
    defaults = {
        "cleanup.policy": "delete",
        "retention.ms": "7000",
        "min.compaction.lag.ms": "0",
        "max.message.bytes": "2000000",
        "min.insync.replicas": "1",
    }
    given = {name.replace("_", "."): value for name, value in config.items()}
    return BrokerTopic("t", partitions, replication, defaults | given)


def test_more_than_is_needed_is_as_good() -> None:
    longer = a_topic(3, retention_ms="-1", max_message_bytes="99000000")

    assert list(deviations(DEAD_LETTERS, longer, input_bytes=12_000_000)) == []
    compact = a_topic(cleanup_policy="compact", min_compaction_lag_ms="3600000")
    assert list(deviations(CHANGELOG, compact, None)) == []
    both = TopicSpec("updates", PARTITIONS, 1, {"cleanup.policy": "compact,delete"})
    assert list(deviations(both, compact, None)) == []
    assert list(deviations(both, a_topic(cleanup_policy="delete,compact"), None)) == []


def test_what_is_to_go_must_not_be_kept_longer() -> None:
    dead_letters = replace(DEAD_LETTERS, keeps_no_longer=True)
    found = [
        each.set_to
        for kept_ms in ("-1", "7001", "7000", "6999")
        for each in deviations(dead_letters, a_topic(2, retention_ms=kept_ms), input_bytes=1_000_000)
    ]

    assert found == [("retention.ms", "7000")] * 3


@pytest.mark.parametrize(("may_be_compacted", "mended"), [(True, True), (False, False)])
def test_no_command_compacts_a_topic_as_long_as_keys_come_twice(may_be_compacted: bool, mended: bool) -> None:
    spec = TopicSpec("letters", PARTITIONS, 1, {"cleanup.policy": "compact,delete"}, has_unique_keys=True)

    [found] = deviations(spec, a_topic(), None, lambda: may_be_compacted)

    assert "cleanup.policy is delete, not compact,delete" in found.what
    assert bool(mending("b:9092", "letters", [found])) is mended
    assert ("compaction would lose them" in found.advice) is not mended


@pytest.mark.parametrize(("given", "kept_days"), [({}, 28), ({"SKILLSTREAM_DEAD_LETTER_RETENTION_DAYS": "90"}, 90)])
def test_dead_letters_are_kept_for_as_long_as_is_set_and_no_longer(given: dict[str, str], kept_days: int) -> None:
    settings = load_settings(given)
    dead_letters = Channels.of(settings).dead_letters

    [spec] = [spec for spec in specs_of(settings) if spec.name == dead_letters]

    assert (spec.config["retention.ms"], spec.keeps_no_longer) == (str(kept_days * 86_400_000), True)


def test_what_is_less_is_named_and_one_command_mends_it() -> None:
    both = a_topic(cleanup_policy="delete,compact", max_message_bytes="1000", min_insync_replicas="2")

    found = list(deviations(CHANGELOG, both, None))

    assert [each.set_to and each.set_to[0] for each in found] == [
        "cleanup.policy",
        "min.compaction.lag.ms",
        "max.message.bytes",
        "min.insync.replicas",
    ]
    assert mending("b:9092", "log", found) == (
        "kafka-configs.sh --bootstrap-server b:9092 --alter --entity-type topics --entity-name log --add-config "
        "cleanup.policy=compact,min.compaction.lag.ms=3600000,max.message.bytes=1048576,min.insync.replicas=1"
    )


def test_a_dead_letter_must_carry_what_the_input_may_hold() -> None:
    found = list(deviations(DEAD_LETTERS, a_topic(2), input_bytes=14_000_000))

    assert [each.set_to for each in found] == [("max.message.bytes", "14065536")]
    assert list(deviations(DEAD_LETTERS, a_topic(2), input_bytes=1_000_000)) == []


def test_what_no_setting_mends_has_advice() -> None:
    found = list(deviations(DEAD_LETTERS, a_topic(1, partitions=2), None))

    assert ["partitions" in each.what or "replicas" in each.what for each in found] == [True, True]
    assert all(each.advice and each.set_to is None for each in found)
    assert mending("b:9092", "letters", found) == ""


# -- where records lie


class Lying:
    """A record that lies where `rule` put it."""

    def __init__(self, key: bytes | None, rule: PartitionerName, headers: Mapping[str, bytes] | None = None) -> None:
        self._key = key
        self._headers = list((headers or {}).items())
        self._partition = partitioner(rule).owning_partition(key, PARTITIONS) if key is not None else 0

    def key(self) -> bytes | None:
        return self._key

    def partition(self) -> int | None:
        return self._partition

    def headers(self) -> list[tuple[str, bytes]]:
        return self._headers


def records(rule: PartitionerName, count: int = 100, **headers: bytes) -> list[Any]:
    return [Lying(f"s-{number}".encode(), rule, headers) for number in range(count)]


def test_records_that_lie_at_home() -> None:
    found = check_placement("murmur2", records("murmur2"), PARTITIONS)

    assert (found.status, "100%" in found.said) == ("ok", True)


@pytest.mark.parametrize(
    ("name", "others", "advice"),
    [
        ("murmur2", "crc32", "SKILLSTREAM_PARTITIONER=crc32"),
        ("murmur2", "crc32", "partitioner=murmur2_random"),
        ("crc32", "murmur2", "SKILLSTREAM_PARTITIONER=murmur2"),
    ],
)
def test_records_that_another_rule_has_placed(name: PartitionerName, others: PartitionerName, advice: str) -> None:
    found = check_placement(name, records(others), PARTITIONS)

    assert found.status == "warning"
    assert advice in found.advice


def test_a_few_strays_are_no_rule_and_our_own_repartitioned_events_are_none() -> None:
    mixed = check_placement("murmur2", records("murmur2", 90) + records("crc32", 10), PARTITIONS)
    forwarded = check_placement("murmur2", records("crc32", 50, **{ORIGIN_HEADER: b""}), PARTITIONS)

    assert (mixed.status, "SKILLSTREAM_PARTITIONER" in mixed.advice) == ("warning", False)
    assert forwarded.status == "ok"


def test_records_without_keys() -> None:
    keyless: list[Any] = [Lying(None, "murmur2")] * 30

    assert "key records by the student's id" in check_placement("murmur2", keyless, PARTITIONS).advice


# -- clocks and packages


@pytest.mark.parametrize(("stated", "ahead_s"), [("Mon, 01 Jan 2035 00:00:00 GMT", 1e7), (None, None), ("noon", None)])
def test_a_clock_is_read_from_any_answer(stated: str | None, ahead_s: float | None) -> None:
    class Refusing(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response_only(401)
            if stated:
                self.send_header("Date", stated)
            self.end_headers()

    with HTTPServer(("127.0.0.1", 0), Refusing) as server:
        threading.Thread(target=server.handle_request, daemon=True).start()
        found = http_ahead_s(f"http://127.0.0.1:{server.server_port}/v1", 5.0)

    assert found is None if ahead_s is None else found is not None and found > ahead_s


def test_our_own_packages_are_known_as_ours_and_others_are_not(tmp_path: Path) -> None:
    import agents

    ours, imported = distribution("skillstream"), Path(agents.__file__ or "")
    foreign = tmp_path / "agents" / "__init__.py"
    foreign.parent.mkdir()
    foreign.write_text("'''Somebody else's.'''\n", encoding="utf-8")

    assert is_ours(imported, "agents", ours)
    assert not is_ours(foreign, "agents", ours)


def test_a_package_that_was_written_over_is_not_ours(tmp_path: Path) -> None:
    package, info = tmp_path / "agents", tmp_path / "skillstream-1.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").write_bytes(b"")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: skillstream\nVersion: 1\n", encoding="utf-8")
    empty = "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
    (info / "RECORD").write_text(f"agents/__init__.py,sha256={empty},0\n", encoding="utf-8")
    installed = Distribution.at(info)

    assert is_ours(package / "__init__.py", "agents", installed)
    (package / "__init__.py").write_bytes(b"import theirs\n")
    assert not is_ours(package / "__init__.py", "agents", installed)


def test_one_basis_for_a_skill_with_a_model_is_warned_of(tmp_path: Path) -> None:
    text = (files("streams") / "config" / "default.toml").read_text("utf-8")
    plain = re.sub(r"^basis = \{.*\}$", 'basis = "a model, and more"', text, flags=re.MULTILINE)
    skills = tmp_path / "skills.toml"
    skills.write_text(plain, "utf-8")

    [found] = ModelArtifact(Settings(skills=str(skills))).run()
    assert (found.status, "problem_solving has one `basis`" in found.said) == ("warning", True)
    [found] = ModelArtifact(Settings()).run()
    assert found.status == "ok"


def test_another_scikit_learn_matters_to_former_artifacts_alone(tmp_path: Path) -> None:
    """Trees are scored without it."""
    default = load_artifact("default")
    card = msgspec.structs.replace(default.card, trained_with={"scikit-learn": "0.1"})
    save_artifact(tmp_path, card, default.models)

    [found] = ModelArtifact(Settings(model=str(tmp_path))).run()
    assert found.status == "ok"
    [found] = ModelArtifact(Settings(model=former_artifact(tmp_path, bytes_of(fitted()), "0.1"))).run()
    assert (found.status, "was trained with scikit-learn 0.1" in found.said) == ("warning", True)
