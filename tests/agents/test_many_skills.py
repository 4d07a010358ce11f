"""A skills file of 64 skills, all the way: replay, worker, updates, recovery from the changelog, verify."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
import pytest

from schemas.bounds import MAX_SKILLS
from schemas.update import SkillUpdate
from streams.rows.codec import decode_row
from streams.simulation import simulate
from streams.vocabulary import skill_code
from tests.agents.command import run_here
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed, owning_partition
from tests.agents.environment import environment
from tests.agents.test_verify import verify
from tests.events import raw
from tests.skill_sets import phrase, skills_file, topic, topics_of

pytestmark = pytest.mark.long
CLASS: Final = [Sent(each.key, each.value) for each in simulate(20, 600, seed=5, faults=0.0)]
TOPICS: Final = topics_of(MAX_SKILLS)
EVERY, SOME = "of-every-topic", "of-some-topics"
LIMITS: Final = {"calls_per_minute": 6_000, "calls_per_hour": 600_000, "seed_limits": "true"}


def texts(student: str, topics: range, first: int) -> list[Sent]:
    """A text for each of the topics."""
    return [
        Sent(
            student.encode(),
            raw("message", student, event_id=f"{student}-{number}", text=f"I think that I {phrase(number)}."),
        )
        for number in topics[first:]
    ]


BEFORE: Final = [*CLASS[:400], *texts(EVERY, TOPICS, 20), *texts(SOME, TOPICS[:3], 0)]
AFTER: Final = [*CLASS[400:], *texts(EVERY, TOPICS[:20], 0)]


@dataclass(frozen=True, slots=True)
class Left:
    """What two workers left, the first of which was killed; both are ended."""

    deployment: Deployment
    skills: Path

    def last_updates(self) -> dict[str, SkillUpdate]:
        """The last update of each student."""
        return {update.student_id: update for update in self.deployment.updates()}


@pytest.fixture(scope="module")
def left(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Left]:
    folder = tmp_path_factory.mktemp("many")
    skills = folder / "skills.toml"
    skills.write_text(skills_file(MAX_SKILLS), encoding="utf-8")
    with deployed(broker, folder, skills=str(skills), model="none", reasoning="scripted", **LIMITS) as deployment:
        deployment.send(BEFORE)
        first = deployment.start()
        deployment.await_caught_up()
        until(lambda: EVERY in {each.student_id for each in deployment.results()}, "an explanation and its result")
        deployment.await_caught_up()
        first.kill()
        deployment.send(AFTER)
        second = deployment.start()
        deployment.await_caught_up()
        assert second.terminate() == 0, second.tail()
        yield Left(deployment, skills)


def test_the_table_after_a_recovery_equals_an_offline_replay(left: Left) -> None:
    assert left.deployment.differences(left.deployment.replay()) == []
    assert left.deployment.dead_letters() == []


def test_rows_and_updates_hold_the_skills_with_evidence_and_no_others(left: Left) -> None:
    updates, table = left.last_updates(), left.deployment.table()
    every, some = (updates[student].skills.keys() & set(map(topic, TOPICS)) for student in (EVERY, SOME))

    assert every == set(map(topic, TOPICS))
    assert some == set(map(topic, TOPICS[:3]))
    for student, update in updates.items():
        row = decode_row(table.get(owning_partition(student), student.encode()) or b"")
        assert row.skills.keys() <= set(map(skill_code, update.skills)), "a profile of facts alone has no skill state"
        assert len(update.skills) < MAX_SKILLS or student == EVERY


def test_a_replay_by_command_comes_to_the_same_scores(left: Left, tmp_path: Path) -> None:
    events = tmp_path / "events.jsonl"
    events.write_bytes(b"\n".join(sent.value or b"" for sent in [*BEFORE, *AFTER]))
    options = ["--skills", str(left.skills), "--model", "none", "--out", str(tmp_path / "updates.jsonl")]

    done = run_here(environment({}), "replay", str(events), *options)

    assert done.code == 0, done.err
    replayed = map(msgspec.json.Decoder(SkillUpdate).decode, (tmp_path / "updates.jsonl").read_bytes().splitlines())
    last = {update.student_id: update.skills for update in replayed}
    assert last == {student: update.skills for student, update in left.last_updates().items()}


def test_what_is_noted_as_explained_was_told_in_the_explanation(left: Left) -> None:
    table = left.deployment.table()
    explained = {each.student_id: each for each in left.deployment.explanations() if each.student_id == EVERY}
    row = decode_row(table.get(owning_partition(EVERY), EVERY.encode()) or b"")

    noted = {code for code, cell in row.skills.items() if cell.explained >= 0}
    assert noted
    assert noted <= {skill_code(skill.skill) for skill in explained[EVERY].skills if skill.claims}


def test_verify_finds_nothing_wrong(left: Left) -> None:
    verdict = verify(left.deployment)

    assert verdict.said["differences"] == []
    assert (verdict.code, verdict.said["students"]) == (0, 22)


def test_a_file_of_more_skills_is_refused_by_the_worker_with_the_limit(left: Left, tmp_path: Path) -> None:
    path = tmp_path / "skills.toml"
    path.write_text(skills_file(MAX_SKILLS + 1), encoding="utf-8")

    worker = left.deployment.start(skills=str(path))

    assert worker.exit_code() == 2
    assert f"{MAX_SKILLS + 1} entries, 1..{MAX_SKILLS} are allowed" in worker.tail()
