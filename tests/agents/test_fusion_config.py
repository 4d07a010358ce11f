"""`fusion-config` on the embedded broker: workers that run, and the commands."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.cli.outcome import OUT_OF_REACH, WRONG_USAGE
from schemas.update import SkillUpdate
from tests.agents.command import Ran, run_here
from tests.agents.config_commands import command, config_health
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed
from tests.agents.environment import environment
from tests.agents.worker_process import WorkerProcess
from tests.events import raw

SKILL = "problem_solving"
FAST = {"model": "none", "fusion_config_poll_s": 0.05}


@pytest.fixture
def deployment(broker: str, tmp_path: Path) -> Iterator[Deployment]:
    with deployed(broker, tmp_path, **FAST) as made:
        yield made


def config(deployment: Deployment, *arguments: str) -> Ran:
    return command(deployment, "config", *arguments)


def shown(deployment: Deployment) -> dict[str, Any]:
    [state] = config(deployment, "show", "--json").lines
    return state


def records_of(deployment: Deployment) -> list[dict[str, Any]]:
    return config(deployment, "history", "--json").lines


def answer(deployment: Deployment, student: str) -> SkillUpdate:
    """One more answer of the student's; the update that it causes."""
    before = sum(update.student_id == student for update in deployment.updates())
    deployment.send([Sent(student.encode(), raw(student=student, event_id=f"{student}-{before}", minute=before))])
    until(lambda: sum(u.student_id == student for u in deployment.updates()) > before, "an update")
    return [update for update in deployment.updates() if update.student_id == student][-1]


def await_config(worker: WorkerProcess, config_version: str) -> None:
    until(lambda: f'config_version="{config_version}"' in "".join(worker.metrics()), "the configuration is in force")


@pytest.mark.long
def test_what_is_set_while_workers_run_applies_at_a_student_s_next_event_and_in_every_worker_that_starts(
    deployment: Deployment,
) -> None:
    worker = deployment.start()
    worker.await_ready()
    plain = answer(deployment, "ada")

    ran = config(deployment, "set", "--weight", f"{SKILL}.behaviour=2.5", "--reason", "too\x1b[31m quiet")
    assert ran.code == 0, ran.err
    assert f"weights.{SKILL}.behaviour: 0.6 → 2.5" in ran.text
    state = shown(deployment)
    await_config(worker, state["config_version"])
    loud = answer(deployment, "ada")

    assert loud.config_version == state["config_version"] != plain.config_version
    assert loud.config_version.startswith(f"{plain.config_version}-")
    line = next(
        line for line in worker.log.splitlines() if f"Configuration {state['config_version']} is in force" in line
    )
    assert f"before it {plain.config_version}" in line
    assert "written at offset 0" in line
    assert "because: too" in line
    assert "\x1b" not in line

    second = deployment.start()  # it knows before its first update
    second.await_ready()
    students = {f"s{number}" for number in range(12)}
    deployment.send([Sent(student.encode(), raw(student=student)) for student in students])
    until(lambda: {update.student_id for update in deployment.updates()} > students, "an update of each")
    said = {update.config_version for update in deployment.updates() if update.student_id in students}
    assert said == {state["config_version"]}, "of both workers"

    assert config(deployment, "set", "--clear").code == 0
    await_config(worker, plain.config_version)
    await_config(second, plain.config_version)
    assert answer(deployment, "ada").config_version == plain.config_version

    entries = {entry["config_version"]: entry for entry in command(deployment, "catalogue", "--json").lines}
    assert entries.keys() == {plain.config_version, state["config_version"]}
    assert entries[state["config_version"]]["skills"][SKILL]["weights"]["behaviour"] == 2.5
    for version in entries:
        assert f"{version}: skill set default" in command(deployment, "catalogue", version).text
    unknown = command(deployment, "catalogue", "0")
    assert (unknown.code, plain.config_version in unknown.err) == (WRONG_USAGE, True)

    deployment.await_caught_up()
    verified = command(deployment, "verify", "--json")
    assert (verified.code, verified.lines[-1]["notes"]) == (0, []), "each is scored again as its update says"

    deployment.send([Sent(plain.config_version.encode(), None, partition=0)], deployment.channels.catalogue)
    [missing] = command(deployment, "verify", "--json").lines[-1]["differences"]
    assert f"no entry of {plain.config_version}" in missing["what"]


@pytest.mark.long
def test_a_bad_record_is_refused_counted_and_shown_and_the_old_configuration_stays(deployment: Deployment) -> None:
    assert config(deployment, "set", "--level", "proficient=0.7").code == 0
    worker = deployment.start()
    worker.await_ready()
    in_force = shown(deployment)["config_version"]
    assert config_health(worker) == {"status": "ok", "reason": f"{in_force} is in force"}

    absurd = {"type": "config", "version": 1, "overrides": {"levels": {"proficient": 0.1}}}
    deployment.send(
        [
            Sent(b"mine", b"<xml/>", partition=0, timestamp_ms=2**60),
            Sent(b"mine", orjson.dumps(absurd), partition=3),
            Sent(b"00" * 6, orjson.dumps(absurd), partition=0),
        ],
        deployment.channels.fusion_config,
    )
    refused = [f'fusion_config_refused_total{{reason="{why}"}}' for why in ("unreadable", "partition", "key")]
    until(lambda: [worker.metrics().get(name) for name in refused] == [1, 1, 1], "each of them is refused")

    assert config_health(worker)["status"] == "degraded"
    assert f"{in_force} stays in force: the record '000000000000' at 0@2 is refused" in config_health(worker)["reason"]
    assert answer(deployment, "ada").config_version == in_force
    assert worker.log.count(" is refused: ") == 3
    assert [record["in_force"] for record in records_of(deployment)].count(True) == 1
    assert "is refused" in shown(deployment)["refused"]

    again = config(deployment, "set", "--level", "proficient=0.7")
    assert again.text.splitlines()[-1].startswith("Written."), "the same as before, to say that it is meant"
    until(lambda: config_health(worker)["status"] == "ok", "something good is newer")


# -- the commands


def test_a_file_replaces_what_is_in_force_and_options_change_single_numbers(
    deployment: Deployment, tmp_path: Path
) -> None:
    file = tmp_path / "weights.toml"
    file.write_text(f"[weights.{SKILL}]\nbehaviour = 0.5\n[fusion]\nkappa = 10\n")
    assert config(deployment, "set", str(file), "--reason", "a").code == 0
    assert config(deployment, "set", "--weight", "empathy.language=0.25").code == 0

    state = shown(deployment)
    assert state["overrides"] == {
        "weights": {SKILL: {"behaviour": 0.5}, "empathy": {"language": 0.25}},
        "fusion": {"kappa": 10.0},
    }
    assert (state["file"]["fusion.kappa"], state["in_force"]["fusion.kappa"]) == (8.0, 10.0)
    again = config(deployment, "set", "--weight", "empathy.language=0.25")
    assert "nothing was written" in again.text
    assert "weights.empathy move nothing" in again.err, "nothing is fitted to it"
    tried = config(deployment, "set", str(file), "--dry-run")
    assert "weights.empathy.language: 0.25 →" in tried.text
    assert "Nothing was written." in tried.text
    assert [(record["reason"], record["in_force"]) for record in records_of(deployment)] == [("a", False), ("", True)]
    assert config(deployment, "show").text.splitlines()[0] == f"config_version {state['config_version']}"
    assert "in force" in config(deployment, "history").text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--weight", "problem_solvin.behaviour=1"], "no such skill"),
        (["--weight", f"{SKILL}.behavior=1"], "there are model, language, behaviour"),
        (["--weight", f"{SKILL}.behaviour=-1"], "-1.0 is not a number of 0..100"),
        (["--weight", f"{SKILL}=1"], "is not SKILL.SOURCE=NUMBER"),
        (["--weight", f"{SKILL}.behaviour"], "is not SKILL.SOURCE=NUMBER"),
        (["--level", "proficient=nan"], "is not NAME=NUMBER"),
        (["--level", "proficint=0.7"], "Did you mean proficient?"),
        (["--level", "proficient=0.2"], "developing must be below proficient"),
        (["--fusion", "kappa=0"], "fusion.kappa"),
        (["--reason", "x" * 501, "--clear"], "501 characters"),
        ([], "say what to change"),
        (["nowhere.toml"], "nowhere.toml"),
    ],
)
def test_what_workers_would_refuse_is_not_written(deployment: Deployment, arguments: list[str], said: str) -> None:
    ran = config(deployment, "set", *arguments)

    assert (ran.code, records_of(deployment)) == (WRONG_USAGE, [])
    assert said in ran.err
    assert "Traceback" not in ran.err


def test_a_file_that_is_wrong_is_refused_with_its_line(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "weights.toml"
    file.write_text("[levels]\nproficient = 0.7\nproficint = 0.8\n")
    ran = config(deployment, "set", str(file))

    assert ran.code == WRONG_USAGE
    assert "line 3: levels.proficint: there is no such key. Did you mean proficient?" in ran.err


def test_without_a_broker_the_commands_end_with_3(deployment: Deployment) -> None:
    around = environment(deployment.given(broker="127.0.0.1:1", start_timeout_s=0.5))

    for arguments in (["show"], ["history"], ["set", "--clear"]):
        assert run_here(around, "config", *arguments).code == OUT_OF_REACH
