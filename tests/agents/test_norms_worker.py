"""Norms of workers on the embedded broker: made when records' time turns, in force, kept over all that moves."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from confluent_kafka import Message
from msgspec import UNSET

from agents.cli.outcome import WRONG_USAGE
from agents.kafka.errors import TopicForbidden
from agents.norms.snapshot_log import SnapshotLog, WrittenSnapshot, snapshot_records
from streams.evidence.artifacts import save_artifact
from streams.norms.journal_keys import is_of_journal
from streams.norms.layout import item_code
from streams.norms.snapshot import NormSnapshot
from tests.agents.config_commands import command
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed
from tests.events import NOW_MS, raw
from tests.garbage import bad_snapshots
from tests.unit.training.cohort_model import COURSE, artifact

DAY_MS = 86_400_000
STUDENTS = [f"s{number}" for number in range(40)]
TABLES = ("items", "components", "cohorts")
FAST = {"model": "none", "norms_poll_s": 0.2, "norms_every_s": 86_400}


@pytest.fixture
def deployment(broker: str, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(broker, tmp_path, **FAST) as made:
        yield made


def answers(item: str, day: int, students: Sequence[str] = STUDENTS, **given: Any) -> list[Sent]:
    """Each student's first answer to an item, in records of that day."""
    given = {"attempt": 1, "score": 1.0, "passed": True, **given}
    return [
        Sent(
            student.encode(),
            raw(student=student, event_id=f"{item}-{student}", item_id=item, **given),
            timestamp_ms=NOW_MS + day * DAY_MS,
        )
        for student in students
    ]


def snapshots(deployment: Deployment) -> list[NormSnapshot]:
    written = SnapshotLog().note_all(deployment.records(deployment.channels.norms))
    return [each.read(deployment.name) for each in written if isinstance(each, WrittenSnapshot)]


def write(deployment: Deployment, records: Iterable[tuple[bytes, bytes]]) -> None:
    """Append to `norms`."""
    deployment.send([Sent(key, value, partition=0) for key, value in records], deployment.channels.norms)


def forbidden(_broker: str, _topic: str) -> Iterator[Message]:
    """As a broker answers that denies it; the embedded one knows no access lists."""
    raise TopicForbidden("it may not be read")


def students_of(snapshot: NormSnapshot, item: str) -> int:
    found = snapshot.items[snapshot.items["code"] == item_code(item)]
    return int(found["students"][0]) if len(found) else 0


def await_snapshot(deployment: Deployment, item: str, students: int) -> NormSnapshot:
    until(
        lambda: any(students_of(each, item) == students for each in snapshots(deployment)),
        f"{item} has a norm of {students}",
    )
    return snapshots(deployment)[-1]


@pytest.mark.long
def test_a_snapshot_comes_when_records_time_turns_and_updates_name_it(deployment: Deployment) -> None:
    worker = deployment.start()
    worker.await_ready()
    deployment.send(answers("first", 0))
    deployment.await_caught_up()
    deployment.send(answers("second", 1))

    snapshot = await_snapshot(deployment, "first", len(STUDENTS))
    until(lambda: f"Norms {snapshot.version} are in force" in worker.log, "it is in force")
    deployment.send(answers("third", 1, STUDENTS[:1]))
    until(lambda: any(u.norms_version == snapshot.version for u in deployment.updates()), "an update names it")
    health = worker.get("/health/detailed").json["components"]["norms"]
    assert (health["status"], snapshot.version in health["reason"]) == ("ok", True)
    assert worker.metrics()["norms_number"] == snapshot.number
    deployment.await_caught_up()
    appended = [each for each in deployment.records(deployment.changelog) if is_of_journal(each.key or b"")]
    sizes = [len(each.key or b"") + len(each.value or b"") for each in appended]
    assert worker.metrics()["norm_journal_bytes_total"] == sum(sizes) > 0

    [listed] = command(deployment, "norms", "history", "--json").lines
    assert (listed["norms_version"], listed["items"]) == (snapshot.version, len(snapshot.items))
    assert listed["students"] == len(STUDENTS)
    shown = command(deployment, "norms", "show", snapshot.version, "--json").lines
    assert (shown[0]["name"], shown[0]["students"], shown[0]["odd"]) == ("first", 40, ["too easy"])
    assert "too easy" in command(deployment, "norms", "show").text
    odd = {each: command(deployment, "norms", "show", "--odd", each, "--json") for each in ("too-easy", "too-hard")}
    assert {each: len(ran.lines) for each, ran in odd.items()} == {"too-easy": len(snapshot.items), "too-hard": 0}
    unknown = command(deployment, "norms", "show", "0" * 16)
    assert (unknown.code, "there are no norms 0000" in unknown.err) == (WRONG_USAGE, True)


@pytest.mark.long
def test_another_worker_takes_over_with_all_that_was_counted_and_scores_by_the_norms_from_its_start_on(
    deployment: Deployment,
) -> None:
    worker = deployment.start()
    deployment.send(answers("first", 0, STUDENTS[:20]))
    deployment.await_caught_up()
    deployment.send(answers("second", 1))
    first = await_snapshot(deployment, "first", 20)
    deployment.await_caught_up()
    worker.kill()

    other = deployment.start()
    deployment.send([*answers("first", 1, STUDENTS[20:]), *answers("third", 2)])
    deployment.await_caught_up()
    second = await_snapshot(deployment, "first", len(STUDENTS))

    log = other.log
    assert log.index(f"Norms {first.version} are in force") < log.index("The table is restored")
    assert (second.number, second.previous, students_of(second, "second")) == (2, first.version, len(STUDENTS))


@pytest.mark.long
def test_mastery_under_norms_is_verified_under_the_norms_that_updates_name(broker: str, tmp_path: Path) -> None:
    of_bank = {**FAST, "skills": "mastery", "model": "mastery_start"}
    with deployed(broker, tmp_path, **of_bank) as deployment:
        deployment.start().await_ready()
        deployment.send(answers("first", 0, kcs=["angles"]))
        deployment.await_caught_up()
        deployment.send(answers("second", 1, kcs=["angles"], score=0.0, passed=False))
        snapshot = await_snapshot(deployment, "first", len(STUDENTS))
        deployment.await_caught_up()
        deployment.send(answers("third", 1, STUDENTS[:20], kcs=["angles"]))
        until(lambda: any(u.norms_version == snapshot.version for u in deployment.updates()), "an update names it")
        deployment.await_caught_up()

        verdict = command(deployment, "verify", "--json")

        assert (verdict.code, verdict.lines[0]["differences"]) == (0, []), verdict.text


@pytest.mark.long
def test_the_newest_snapshot_is_verified_and_one_that_says_something_else_is_found(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = deployment.start()
    worker.await_ready()
    deployment.send(answers("first", 0, kcs=["angles"], course_id="geometry"))
    deployment.await_caught_up()
    deployment.send(answers("second", 1, kcs=["angles"], course_id="geometry", passed=False))
    await_snapshot(deployment, "first", len(STUDENTS))
    deployment.await_caught_up()
    assert worker.terminate() == 0, worker.tail()
    newest = snapshots(deployment)[-1]
    exact = command(deployment, "verify", "--json")
    said = exact.lines[-1]["norms"]

    assert (exact.code, exact.lines[-1]["differences"], exact.lines[-1]["notes"]) == (0, [], [])
    assert (said["snapshot"], said["journal_items"] > 0, said["not_judged"]) == (newest.version, True, 0)
    assert [said[table] for table in TABLES] == [len(getattr(newest, table)) for table in TABLES]
    assert min(said[table] for table in TABLES) > 0

    deployment.send(bad_snapshots(Random(1), newest), deployment.channels.norms)
    amid_garbage = command(deployment, "verify", "--json")
    assert (amid_garbage.code, amid_garbage.lines[-1]["norms"]) == (0, said), "as workers, who use none of it"
    assert all("newer than the norms in force" in note for note in amid_garbage.lines[-1]["notes"])

    items = newest.items.copy()
    items["since"], items["wins"] = newest.number + 1, items["wins"] - 1
    forged = replace(newest, number=newest.number + 1, previous=newest.version, items=items)
    write(deployment, snapshot_records(forged))
    found = command(deployment, "verify", "--json")
    assert (found.code, found.lines[-1]["unaccounted"]) == (1, len(items))
    assert any("the item first: wins 39, the replay's 40" in each["what"] for each in found.lines[-1]["differences"])
    assert f"norms: -: norms {forged.version}: the item" in command(deployment, "verify").text

    wrong = forged.version.encode(), b"0" * 16
    *pieces, (key, manifest) = snapshot_records(forged)
    renumbered = manifest.replace(*wrong).replace(b'"number":', b'"number":9')
    write(deployment, [(each.replace(*wrong), piece) for each, piece in pieces])
    write(deployment, [(key.replace(*wrong), renumbered)])
    refused = command(deployment, "verify", "--json")
    assert refused.lines[-1]["norms"]["snapshot"] == forged.version, "the newest that can be read"
    assert any("not judged: the pieces are of another" in note for note in refused.lines[-1]["notes"])

    monkeypatch.setattr("agents.norms.stored.read_to_end", forbidden)
    unread = command(deployment, "verify", "--json")
    assert (unread.code, unread.lines[-1]["differences"], unread.lines[-1]["norms"]["snapshot"]) == (1, [], None)
    assert "the newest snapshot of norms is not judged: it may not be read" in unread.lines[-1]["notes"]


def moves(day: int, student: str, course: str) -> Sent:
    """A student's move in a simulation, on that day."""
    given = {"event_id": f"{student}-{day}", "course_id": course, "duration_s": 9.0}
    value = raw(
        "control", student, minute=day, controls={"top": 1.0, "central": 0.0, "bottom": 0.0}, changed=1, **given
    )
    return Sent(student.encode(), value, timestamp_ms=NOW_MS + day * DAY_MS)


@pytest.mark.long
def test_a_model_that_compares_students_with_their_cohort_scores_under_norms_and_says_who_has_none(
    broker: str, tmp_path: Path
) -> None:
    made = artifact()
    save_artifact(tmp_path / "model", made.card, made.models)
    with deployed(broker, tmp_path, **{**FAST, "model": str(tmp_path / "model")}) as deployment:
        worker = deployment.start()
        worker.await_ready()
        deployment.send([moves(0, student, COURSE) for student in STUDENTS])
        deployment.await_caught_up()
        deployment.send([moves(1, student, COURSE) for student in STUDENTS])
        until(lambda: bool(snapshots(deployment)), "norms are published")
        version = snapshots(deployment)[-1].version
        until(lambda: f"Norms {version} are in force" in worker.log, "they are in force")
        deployment.send([moves(2, STUDENTS[0], COURSE), moves(2, "ada", "chemistry")])
        deployment.await_caught_up()

        told = {update.student_id: update for update in deployment.updates()}
        verdict = command(deployment, "verify", "--json")

    assert told[STUDENTS[0]].norms_version
    assert (told[STUDENTS[0]].new_cohort, told["ada"].new_cohort) == (UNSET, True)
    assert (verdict.code, verdict.lines[0]["differences"]) == (0, []), verdict.text
