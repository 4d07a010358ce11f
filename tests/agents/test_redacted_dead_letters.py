"""SKILLSTREAM_DEAD_LETTER_REDACTION=hash through a whole worker, and what each command makes of what it left."""

from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from tests.agents.canaries import DERIVED, MARK, STUDENTS, broken_records
from tests.agents.command import Ran, run_here
from tests.agents.deployment import Deployment, Sent, deployed
from tests.agents.environment import environment
from tests.events import raw

WHOLE = [Sent(b"ada", b"<before/>"), Sent(b"ada", b"<before/>")]


@pytest.fixture(scope="module")
def left(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """What a worker left that redacts, behind one that did not; both are stopped."""
    folder = tmp_path_factory.mktemp("redacted")
    with deployed(broker, folder, model="none", header_key="of-our-own-headers-000000000000000") as made:
        for redaction, records in (("off", WHOLE), ("hash", broken_records())):
            worker = made.start(dead_letter_redaction=redaction)
            worker.await_ready()
            made.send([*records, Sent(b"ada", raw(event_id=f"good-{redaction}"))])
            made.await_caught_up()
            assert worker.terminate() == 0, worker.tail()
        yield made


def ran(left: Deployment, *arguments: str) -> Ran:
    return run_here(environment(left.given()), *arguments)


def test_nothing_of_a_record_is_at_rest(left: Deployment) -> None:
    stored = [record for record, dead_letter in left.dead_letters() if dead_letter.redacted]

    assert len(stored) == len(broken_records())
    assert not [each for each in stored if any(word in repr(each).lower() for word in (MARK, DERIVED, "zebedee"))]


def test_list_and_show_say_so_with_counts_and_sizes(left: Deployment) -> None:
    count = len(broken_records())
    listed, table = ran(left, "dead-letters", "list", "--json"), ran(left, "dead-letters", "list").text

    redacted = [line for line in listed.lines if line["redacted"]]
    assert f"redacted, which cannot be sent back: {count}" in table
    assert sorted(line["size_bytes"] for line in redacted) == sorted(
        len(each.key or b"") + len(each.value or b"") for each in broken_records()
    )
    shown = ran(left, "dead-letters", "show", redacted[0]["place"])
    assert "nothing is left but keyed hashes; it cannot be sent back" in shown.text
    raw_value = ran(left, "dead-letters", "show", "--raw", redacted[0]["place"])
    assert (raw_value.code, raw_value.out) == (1, b"")
    assert "is redacted" in raw_value.err


def test_a_replay_counts_them_and_goes_on(left: Deployment) -> None:
    planned = ran(left, "dead-letters", "replay", "--dry-run", "--policy", "reinsert", "--json").lines[0]

    assert (planned["redacted"], planned["reinserted"]) == (len(broken_records()), len(WHOLE))


def test_verify_is_exact(left: Deployment) -> None:
    verified = ran(left, "verify", "--json").lines[-1]

    assert (verified["differences"], verified["notes"], verified["complete"]) == ([], [], True)
    assert verified["dead_lettered"] == len(broken_records()) + len(WHOLE)


def test_who_they_are_of_is_known_by_the_hash_of_the_key(left: Deployment, tmp_path: Path) -> None:
    out = tmp_path / "held.json"
    assert ran(left, "export-person", STUDENTS["native"], "--out", str(out)).code == 0

    [held] = orjson.loads(out.read_bytes())["keys"].values()
    of_student = sum(each.key == STUDENTS["native"].encode() for each in broken_records())
    assert [(each["redacted"], each["value"]) for each in held["dead_letters"]] == [(True, None)] * of_student
