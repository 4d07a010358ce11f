"""`skillstream verify`, run in this process on what workers left on an embedded broker: right, and with faults."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from confluent_kafka import Message

from agents.cli import progress
from agents.kafka.errors import TopicForbidden
from agents.operations.verify import Verification
from streams.simulation import simulate
from tests.agents.command import Ran, run_here
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, owning_partition
from tests.agents.environment import environment
from tests.agents.planted_faults import (
    DOUBLE,
    GONE,
    LOST,
    MISEXPLAINED,
    MISSAID,
    SCORE,
    STALE,
    UNFOLDED,
    UNFORWARDED,
    UNSAID,
    plant_faults,
)
from tests.events import raw
from tests.servers.ports import free_ports

STUDENTS: Final = 60
CLASS: Final = [Sent(each.key, each.value) for each in simulate(STUDENTS, 3_000, seed=8, faults=0.01)]
STRAY, ERASED, REBORN = "stray", "sim-00050", "sim-00051"
LIMITS: Final = {"calls_per_minute": 6_000, "calls_per_hour": 600_000, "seed_limits": "true"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one run of the command came to."""

    code: int
    said: dict[str, Any]
    log: str

    def of(self, student: str) -> list[tuple[str, int]]:
        """Kind and partition of all that was found of a student."""
        return [(each["kind"], each["partition"]) for each in self.said["differences"] if each["student"] == student]

    def at(self, partition: int, offset: int) -> list[str]:
        """Kinds of what was found at a place."""
        place = (partition, offset)
        return [each["kind"] for each in self.said["differences"] if (each["partition"], each["offset"]) == place]


def verify(deployment: Deployment, *arguments: str, **settings: object) -> Verdict:
    """Run the command, told what the workers are told."""
    ran = run_verify(deployment, "--json", *arguments, **settings)
    return Verdict(ran.code, ran.lines[-1] if ran.lines else {}, ran.err)


def run_verify(deployment: Deployment, *arguments: str, **settings: object) -> Ran:
    return run_here(environment(deployment.given(**settings)), "verify", *arguments)


@pytest.fixture(scope="module")
def left(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """What a worker left that took in a class, broken records, strays and wishes to be erased; it is stopped."""
    with deployed(
        broker, tmp_path_factory.mktemp("left"), reasoning="scripted", max_batch_records=200, **LIMITS
    ) as deployment:
        foreign = (owning_partition(STRAY) + 1) % PARTITIONS
        strays = [Sent(STRAY.encode(), raw(student=STRAY, event_id=f"s{n}"), partition=foreign) for n in range(5)]
        deployment.send([*CLASS, *strays, Sent(None, b"<xml/>"), Sent(b"sim-00002", None)])
        worker = deployment.start()
        deployment.await_caught_up()  # whoever is erased before the class is over answers otherwise than in a replay
        until(lambda: len(deployment.explanations()) >= STUDENTS // 2, "explanations", 120.0)
        asked = [Sent(student.encode(), b"{}") for student in (ERASED, REBORN, "never-seen")]
        deployment.send(asked, deployment.channels.erasures)
        deployment.await_caught_up()
        deployment.send(Sent(REBORN.encode(), raw(student=REBORN, event_id=f"new-{n}")) for n in range(3))
        deployment.await_caught_up()
        assert worker.terminate() == 0, worker.tail()
        yield deployment


@pytest.fixture(scope="module")
def clean(left: Deployment) -> Verdict:
    return verify(left, "--memory-mb", "0.15")


def test_what_a_worker_left_is_exact_and_the_exit_code_is_0(clean: Verdict) -> None:
    assert clean.said["differences"] == []
    assert clean.said["notes"] == []
    assert (clean.code, clean.said["ok"], clean.said["complete"]) == (0, True, True)
    assert clean.log == "", "no progress bar beside --json"


def test_every_event_has_one_outcome(clean: Verdict) -> None:
    said = clean.said
    assert said["records"] == len(CLASS) + 2 + 2 * 5 + 3, (
        "strays are there twice: where they were sent, and on its owning partition"
    )
    assert said["rerouted"] == 5
    assert said["events_in"] == said["records"] - said["rerouted"]
    assert said["events_in"] == sum(said[name] for name in ("applied", "ignored", "duplicates", "dead_lettered"))
    assert min(said[name] for name in ("applied", "ignored", "duplicates", "dead_lettered")) > 0
    assert said["students"] == STUDENTS + 2
    assert said["erasures"] == {"students": 3, "waiting": 0, "not_done": 0}
    assert said["tenants"] is None


def test_with_little_memory_it_went_over_the_partitions_more_than_once(clean: Verdict) -> None:
    assert clean.said["passes"] > PARTITIONS


def test_how_far_it_is_is_a_line_now_and_then_where_there_is_no_terminal(
    left: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    ran = run_verify(left)

    assert ran.code == 0
    assert re.search(r"^reading records: [\d,]+ of [\d,]+, \d+ s$", ran.err, re.MULTILINE)
    assert "\x1b" not in ran.err + ran.text


class Interrupted(Exception):
    """As by an operator."""


def interrupt(deployment: Deployment, checkpoint: Path, share: float) -> None:
    """Begin a verification, and stop it once that share of the records is read."""

    def tell(done: int, of: int) -> None:
        if done > share * of:
            raise Interrupted

    verification = Verification(deployment.settings, memory_bytes=1 << 30, wait_s=0.0, tell=tell, checkpoint=checkpoint)
    with pytest.raises(Interrupted):
        verification.run()


def test_an_interrupted_run_goes_on_from_its_checkpoint_to_the_same_report(
    left: Deployment, clean: Verdict, tmp_path: Path
) -> None:
    checkpoint = tmp_path / "verify.checkpoint"
    interrupt(left, checkpoint, 0.0)
    assert not checkpoint.exists(), "no partition was finished"
    interrupt(left, checkpoint, 0.5)
    written = checkpoint.read_bytes()
    interrupt(left, checkpoint, 0.9)
    assert checkpoint.read_bytes() != written, "it went further"
    verdict = verify(left, "--checkpoint", str(checkpoint))

    assert verdict.said == {**clean.said, "passes": PARTITIONS}
    assert list(tmp_path.iterdir()) == [], "nothing is left of it"


def test_a_checkpoint_of_something_else_is_refused_and_stays(left: Deployment, tmp_path: Path) -> None:
    checkpoint = tmp_path / "verify.checkpoint"
    interrupt(left, checkpoint, 0.5)
    written = checkpoint.read_bytes()
    ran = run_verify(left, "--checkpoint", str(checkpoint), known_ids=300)
    assert (ran.code, ran.out) == (2, b"")
    assert f"{checkpoint} is of a verification with another known_ids: remove it" in ran.err
    assert checkpoint.read_bytes() == written

    for broken in (b"", b"student_id,score\n", written[:-1], written[:40]):
        checkpoint.write_bytes(broken)
        ran = run_verify(left, "--checkpoint", str(checkpoint))
        assert (ran.code, ran.out) == (2, b"")
        assert f"{checkpoint} is no checkpoint of this program" in ran.err


# -- faults


@dataclass(frozen=True, slots=True)
class Planted:
    """The verdict, and where the faults without a student are: (partition, offset)."""

    verdict: Verdict
    places: Mapping[str, tuple[int, int]]


@pytest.fixture(scope="module")
def planted(left: Deployment, clean: Verdict) -> Planted:
    """All faults at once, each on a student of its own. Comes after `clean`."""
    places = plant_faults(left)
    return Planted(verify(left), places)


@pytest.mark.parametrize(
    ("student", "kind"),
    {
        LOST: "lost",
        GONE: "lost",
        DOUBLE: "double_applied",
        STALE: "stale_row",
        SCORE: "state",
        UNSAID: "update",
        MISSAID: "update",
        MISEXPLAINED: "reasoning",
    }.items(),
)
def test_a_fault_planted_on_a_student_is_found_once_as_what_it_is(planted: Planted, student: str, kind: str) -> None:
    assert planted.verdict.of(student) == [(kind, owning_partition(student))]


def test_an_event_that_was_committed_and_not_folded_is_lost(planted: Planted) -> None:
    assert ("lost", owning_partition(UNFOLDED)) in planted.verdict.of(UNFOLDED)
    assert planted.verdict.at(*planted.places["unfolded"])[0] == "lost"


def test_an_event_that_was_committed_and_not_forwarded_is_lost_where_it_was_sent(planted: Planted) -> None:
    assert planted.verdict.of(UNFORWARDED) == [("lost", planted.places["unforwarded"][0])]
    assert planted.verdict.at(*planted.places["unforwarded"]) == ["lost"]


@pytest.mark.parametrize("place", ["no letter", "letter too many", "letter changed"])
def test_a_dead_letter_that_is_missing_too_many_or_changed_is_found(planted: Planted, place: str) -> None:
    assert planted.verdict.at(*planted.places[place]) == ["dead_letter"]


def test_a_dead_letter_sent_twice_is_a_repeat_and_no_fault(planted: Planted) -> None:
    assert planted.verdict.at(*planted.places["letter twice"]) == []
    assert planted.verdict.said["repeats"] == 2, "the one sent twice, and the changed one beside the right one"


def test_nothing_but_the_planted_faults_is_found_and_the_exit_code_is_1(planted: Planted) -> None:
    said = planted.verdict.said
    assert (planted.verdict.code, said["ok"], said["complete"]) == (1, False, True)
    assert (said["lost"], said["double_applied"], said["stale_rows"]) == (4, 1, 1)
    others = [each for each in said["differences"] if each["kind"] not in ("lost", "double_applied", "stale_row")]
    assert said["unaccounted"] == len(others)
    students = {each["student"] for each in said["differences"]} - {""}
    assert students == {
        *(LOST, GONE, DOUBLE, STALE, SCORE, UNSAID, MISSAID, MISEXPLAINED),
        *(UNFOLDED, UNFORWARDED),
    }


def test_the_report_for_people_names_them_too(planted: Planted, left: Deployment) -> None:
    done = run_verify(left)

    assert done.code == 1
    assert f"double_applied: {DOUBLE} (partition {owning_partition(DOUBLE)}, offset " in done.text
    assert "\x1b" not in done.text + done.err, "no colours where nobody looks"


# -- what cannot be judged


@pytest.mark.long
def test_a_group_that_is_behind_is_judged_as_far_as_it_came_and_said_to_be_behind(broker: str, tmp_path: Path) -> None:
    with deployed(broker, tmp_path, max_batch_records=50, model="none") as deployment:
        deployment.send(CLASS[:400])
        worker = deployment.start()
        deployment.await_caught_up()
        worker.kill()
        deployment.send(CLASS[400:500])
        behind = verify(deployment, "--wait", "0.1")

        assert (behind.code, behind.said["ok"], behind.said["complete"]) == (1, False, False)
        assert behind.said["differences"] == []
        assert behind.said["records"] == 400
        assert "not caught up: 100 records" in behind.said["notes"][0]
        assert "--wait" in behind.said["notes"][0]

        deployment.start()
        caught_up = verify(deployment, "--wait", "240")
        assert (caught_up.code, caught_up.said["records"]) == (0, 500), caught_up.said


@pytest.mark.long
def test_where_retention_has_removed_the_start_it_says_so_and_raises_no_false_alarm(
    broker: str, tmp_path: Path
) -> None:
    with deployed(broker, tmp_path, max_batch_records=50, model="none") as deployment:
        deployment.send(CLASS[:600])
        worker = deployment.start()
        deployment.await_caught_up()
        # The embedded broker keeps 5 MB a partition, and drops the oldest.
        heavy = [Sent(None, b"x" * 900_000, partition=0) for _ in range(7)]
        deployment.send(heavy)
        deployment.await_caught_up()
        assert worker.terminate() == 0
        verdict = verify(deployment)

        assert (verdict.code, verdict.said["ok"], verdict.said["complete"]) == (1, False, False)
        assert verdict.said["differences"] == []
        assert verdict.said["not_judged"] > 0
        removed = [note for note in verdict.said["notes"] if "retention has removed the start" in note]
        assert any(f"{deployment.channels.activity}, partition 0: offsets 0 to " in note for note in removed)


@pytest.mark.long
@pytest.mark.parametrize("right", ["Describe", "Read"])
def test_without_a_right_on_the_keys_signed_headers_are_taken_as_genuine_and_what_depends_on_them_is_not_judged(
    broker: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str
) -> None:
    def without_it(_broker: str, topic: str) -> Iterator[Message]:
        """As a broker answers that denies it; the embedded one knows no access lists."""
        if right == "Read":
            raise TopicForbidden(f"{topic}/0 cannot be read: Broker: Topic authorization failed")
        return iter(())

    foreign = (owning_partition(STRAY) + 1) % PARTITIONS
    strays = [Sent(STRAY.encode(), raw(student=STRAY, event_id=f"s{n}"), partition=foreign) for n in range(5)]
    with deployed(broker, tmp_path, model="none") as deployment:
        deployment.send([*CLASS[:100], *strays])
        worker = deployment.start()
        deployment.await_caught_up()
        assert worker.terminate() == 0, worker.tail()
        with_keys = verify(deployment)
        monkeypatch.setattr("agents.config.header_keys.read_to_end", without_it)
        verdict = verify(deployment)

    assert (with_keys.code, with_keys.said["notes"]) == (0, [])
    assert (verdict.code, verdict.said["ok"], verdict.said["complete"]) == (1, False, False), verdict.log
    assert verdict.said["differences"] == []
    assert (verdict.said["not_judged"], verdict.said["rerouted"]) == (1, 5)
    assert verdict.said["students"] == with_keys.said["students"]
    [said, students, sums] = verdict.said["notes"]
    assert "headers of 5 records are signed and cannot be judged without the keys" in said
    assert deployment.settings.app_id + "-header-keys" in said
    assert students.startswith("1 students not judged: their events came with signed headers")
    assert "partitions whose sums of items" in sums


def test_where_nothing_can_be_verified_the_exit_code_says_why(broker: str, tmp_path: Path) -> None:
    (nobody,) = free_ports(1)
    deployment = Deployment(broker, tmp_path)

    away = verify(deployment, broker=f"127.0.0.1:{nobody}", start_timeout_s=2)
    assert (away.code, away.said) == (3, {})
    assert "no Kafka broker answers at 127.0.0.1:" in away.log

    no_topics = verify(deployment)
    assert no_topics.code == 4
    assert f"there is no topic {deployment.channels.activity}" in no_topics.log

    assert verify(deployment, "--memory-mb", "0").code == 2
    assert verify(deployment, partitions="many").code == 2
