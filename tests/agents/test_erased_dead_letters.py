"""`skillstream erase` on the embedded broker: which dead letters get null values, and what is said of the others."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec
import orjson
import pytest

from agents.config.header_keys import Keyring
from agents.kafka.deadline import Deadline
from agents.operations.erase.dead_letters import DeadLetterErasure
from agents.operations.erase.receipt import Receipt
from schemas.dead_letter_content import is_tombstone, read_content
from tests.agents.command import Ran, run_here
from tests.agents.dead_letter_commands import Planted
from tests.agents.deployment import Deployment, Sent, deployed
from tests.agents.environment import environment
from tests.contract.caliper_events import ADA, FORUM, caliper, envelope

BEN: Final = "https://school.example/users/ben"
BEFORE: Final = [Sent(ADA.encode(), b"<of a former setting/>")]
SHARED: Final = Sent(
    b"sensor-1",
    orjson.dumps(
        envelope(
            *(caliper("ForumEvent", "Subscribed", FORUM, actor={"id": of, "type": "Person"}) for of in (ADA, BEN)),
            caliper("ForumEvent", "Downvoted", FORUM, actor={"id": BEN, "type": "Person"}),
        )
    ),
)
OF_ADA: Final = [Sent(ADA.encode(), b"<ada/>"), Sent(ADA.encode(), None), SHARED]
OF_OTHERS: Final = [Sent(BEN.encode(), b"<ada/>"), Sent(None, b"<ada/>"), Sent(BEN.encode(), b"<ada/>")]
LATER: Final = Sent(ADA.encode(), b"<she is back/>")


@pytest.fixture(scope="module")
def erased(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Deployment, Receipt]]:
    """What is left when Ada was erased and came back, and the receipt."""
    folder = tmp_path_factory.mktemp("erased")
    with deployed(broker, folder, model="none", dead_letter_keys="unique") as made:
        former = [Planted(made.channels.erasures, 0, 0, each.value, each.key).sent for each in BEFORE]
        made.send(former, made.channels.dead_letters)
        made.start().await_ready()
        made.send([*OF_ADA, *OF_OTHERS])
        made.await_caught_up()
        receipt = folder / "receipt.json"
        ran_first = ran(made, "erase", ADA, "--yes", "--receipt", str(receipt))
        assert ran_first.code == 0, ran_first.err
        made.send([LATER])
        made.await_caught_up()
        yield made, msgspec.json.decode(receipt.read_bytes(), type=Receipt)


def ran(deployment: Deployment, *arguments: str) -> Ran:
    timeout_s = 3.0  # this broker never tells settings of topics
    return run_here(environment(deployment.given(start_timeout_s=timeout_s)), *arguments)


def left(deployment: Deployment) -> list[tuple[bytes | None, bytes | None]]:
    """Key and value of the records whose dead letters compaction will leave."""
    stored = deployment.records(deployment.channels.dead_letters)
    tombstones = {each.key for each in stored if is_tombstone(each.headers, each.key, each.value)}
    there = [each for each in stored if each.key not in tombstones]
    return [read_content(each.headers, each.key, each.value)[1:] for each in there]


def test_those_of_the_student_are_erased_and_all_others_stay(erased: tuple[Deployment, Receipt]) -> None:
    expected = [(each.key, each.value) for each in (*BEFORE, *OF_OTHERS, LATER)]

    assert sorted(map(repr, left(erased[0]))) == sorted(map(repr, expected))


def test_the_receipt_says_how_many_and_what_stays(erased: tuple[Deployment, Receipt]) -> None:
    deployment, receipt = erased
    said = [each.what for each in receipt.remains if each.where == deployment.channels.dead_letters]

    assert said[0].startswith("dead letters, erased: 3, 1 of them with events of others")
    assert said[1].startswith("dead letters of theirs without a key of their own: 1; and")


def test_asked_again_what_came_since_goes_too_and_nothing_is_written_twice(
    erased: tuple[Deployment, Receipt], tmp_path: Path
) -> None:
    deployment, _ = erased
    before = len(deployment.records(deployment.channels.dead_letters))

    assert ran(deployment, "erase", ADA, "--yes", "--receipt", str(tmp_path / "again.json")).code == 0

    assert len(deployment.records(deployment.channels.dead_letters)) == before + 1
    assert (LATER.key, LATER.value) not in left(deployment)


def test_commands_pass_tombstones_over(erased: tuple[Deployment, Receipt]) -> None:
    deployment, _ = erased
    reasons = [line["reason"] for line in ran(deployment, "dead-letters", "list", "--json").lines]
    planned = ran(deployment, "dead-letters", "replay", "--dry-run", "--policy", "drop", "--json").lines[0]
    verified = ran(deployment, "verify", "--json").lines[-1]

    assert len(reasons) == len(BEFORE) + len(OF_ADA) + len(OF_OTHERS) + 1
    assert "not_a_dead_letter" not in reasons
    assert planned["read"] == len(reasons)
    assert (verified["differences"], verified["complete"]) == ([], True)


@pytest.mark.parametrize(("records", "follow"), [([Sent(ADA.encode(), b"<ada/>", 1)], True), ([], False)])
def test_it_waits_until_workers_have_read_all_that_came_before(
    broker: str, tmp_path: Path, records: list[Sent], follow: bool
) -> None:
    made = Deployment(broker, tmp_path, {"model": "none"})
    made.make_topics()
    made.send(records)
    settings = msgspec.structs.replace(made.settings, dead_letter_keys="unique")

    erasure = DeadLetterErasure(settings, Keyring(settings))

    assert erasure.may_follow([0, len(records), 0, 0], Deadline(0.1)) is follow
