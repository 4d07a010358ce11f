"""`skillstream audit`, and what commands and a worker leave on the trail, on the embedded broker."""

from pathlib import Path
from typing import Any, Final
from urllib.request import Request, urlopen

import pytest
from confluent_kafka import Producer

from agents.audit.commands import audited, opened_keyring
from agents.audit.stored import StoredAuditTrail
from agents.cli.outcome import CHECK_FAILED, OUT_OF_REACH
from schemas.errors import Fatal
from tests.agents.command import Ran, run_here
from tests.agents.config_commands import command
from tests.agents.dead_letter_commands import GOOD, dead_letter, deployment, plant
from tests.agents.deployment import Deployment, Sent, deployed
from tests.events import raw

__all__ = ["deployment"]
READER: Final = "a reader's own token, 2"


def acts(made: Deployment, *arguments: str) -> list[dict[str, Any]]:
    return command(made, "audit", "--json", *arguments).lines


def verdict(made: Deployment, *arguments: str) -> tuple[int, dict[str, Any]]:
    ran = command(made, "audit", "--verify", "--json", *arguments)
    [said] = ran.lines
    return ran.code, said


def test_exports_replays_and_changes_are_recorded_before_and_after(deployment: Deployment, tmp_path: Path) -> None:
    plant(deployment, [dead_letter(deployment, 41, GOOD[0])])
    for arguments in (
        ("config", "set", "--level", "proficient=0.7"),
        ("rescore",),
        ("dead-letters", "replay", "--yes"),
        ("export", "--csv", "--out", str(tmp_path / "scores.csv")),
        ("export", "--csv", "--as-of", "2026-03-05", "--out", str(tmp_path / "then.csv")),
    ):
        ran = command(deployment, *arguments)
        assert ran.code == 0, ran.err

    found = acts(deployment)

    expected = ("set_config", "rescore", "replay_dead_letters", "export", "export")
    assert [(each["action"], each["outcome"]) for each in found] == [
        (action, outcome) for action in expected for outcome in ("begun", "done")
    ]
    assert {each["who"]["role"] for each in found} == {"command"}
    assert len({each["who"]["fingerprint"] for each in found}) == 1
    assert len({each["writer"] for each in found}) == len(expected)
    assert found[1]["detail"].startswith("config_version ")
    assert found[5]["detail"] == "policy stop, 1 reinserted"
    assert verdict(deployment) == (0, verdict(deployment)[1] | {"faults": [], "fault_count": 0, "records": 10})
    assert [each["action"] for each in acts(deployment, "--action", "rescore", "--action", "set_config")] == [
        *["set_config"] * 2,
        *["rescore"] * 2,
    ]
    assert acts(deployment, "--since", "2100-01-01") == []
    assert len(acts(deployment, "--limit", "3")) == 3
    shown = command(deployment, "audit")
    assert shown.text.count("export") == 4
    assert (tmp_path / "scores.csv").exists()


def test_what_fails_is_recorded_as_failed_and_what_changes_nothing_is_not(deployment: Deployment) -> None:
    assert command(deployment, "config", "set", "--level", "proficient=0.7", "--dry-run").code == 0
    assert command(deployment, "export", "--csv", "--out", "/nowhere/x.csv").code == OUT_OF_REACH

    assert [(each["action"], each["outcome"]) for each in acts(deployment)] == [
        ("export", "begun"),
        ("export", "failed"),
    ]


def test_without_the_broker_nothing_leaves(tmp_path: Path) -> None:
    out = tmp_path / "scores.csv"
    around = {"SKILLSTREAM_BROKER": "127.0.0.1:1", "SKILLSTREAM_START_TIMEOUT_S": "1"}
    ran: Ran = run_here(around, "export", "--csv", "--out", str(out))

    assert ran.code == OUT_OF_REACH
    assert not out.exists()


def test_what_was_put_on_the_topic_by_others_is_named_and_ends_with_1(deployment: Deployment) -> None:
    settings = deployment.settings
    with audited(settings, "erase", about=["ada"]):
        pass
    [begun, _] = acts(deployment, "--about", "ada")
    _, whole = verdict(deployment)
    topic = deployment.channels.audit
    producer = Producer({"bootstrap.servers": settings.broker})
    producer.produce(topic, b'{"version":1}', b"x", 0)
    producer.produce(topic, b"{}", b"x", 1)
    assert producer.flush(60) == 0

    code, said = verdict(deployment, "--anchor", whole["anchor"])

    assert begun["about"] == [opened_keyring(settings).pseudonym("ada")]
    assert code == CHECK_FAILED
    assert [(each["offset"], each["kind"]) for each in said["faults"]] == [(2, "forged"), (0, "inserted")]
    assert [each["whole"] for each in said["writers"]] == [True]
    other = f"0:{'0' * 64}"
    assert verdict(deployment, "--anchor", other)[1]["faults"][-1]["kind"] == "missing"
    told = command(deployment, "audit", "--verify")
    assert told.code == CHECK_FAILED
    assert "offset 2: forged: no key of this deployment has signed it" in told.text
    assert "records: 3, writers: 1; 2 faults, 0 chains are broken." in told.text


def test_what_a_command_raises_is_recorded_and_raised(deployment: Deployment) -> None:
    def fail() -> None:
        with audited(deployment.settings, "erase", detail="of a test") as act:
            act.detail += ", at its end"
            raise Fatal("no")

    with pytest.raises(Fatal, match="no"):
        fail()

    assert [(each["outcome"], each["detail"]) for each in acts(deployment)] == [
        ("begun", "of a test"),
        ("failed", "of a test, at its end"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [("--anchor", f"1:{'0' * 64}"), ("--verify", "--anchor", "1:xyz"), ("--since", "then"), ("--about", "")],
)
def test_what_cannot_be_meant_is_refused(arguments: tuple[str, ...]) -> None:
    assert run_here({}, "audit", *arguments).code == 2


def test_a_worker_records_who_read_a_student_and_its_chain_holds_after_it_has_ended(
    broker: str, tmp_path: Path
) -> None:
    with deployed(broker, tmp_path, model="none", reader_token=READER) as made:
        worker = made.start()
        worker.await_ready()
        made.send([Sent(b"ada", raw("rubric", student="ada", skill="empathy", rating=0.5))])
        made.await_caught_up()
        request = Request(f"{worker.url}/student?id=ada", headers={"Authorization": f"Bearer {READER}"})
        with urlopen(request, timeout=60) as answer:
            assert answer.status == 200
        assert worker.terminate() == 0

        found = acts(made, "--about", "ada")

        reads = {(each["action"], each["outcome"], each["who"]["role"]) for each in found}
        assert ("read_scores", "answered", "reader") in reads
        assert {action for action, _, _ in reads} <= {"read_scores", "read_history", "read_explanation"}
        assert verdict(made)[0] == 0
        with StoredAuditTrail(made.settings) as trail:
            for stored in trail:
                assert b"ada" not in (stored.value or b"")
                assert READER.encode() not in (stored.value or b"")
