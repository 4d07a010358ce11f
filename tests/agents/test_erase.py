"""`skillstream erase` and `export-person`, whole commands beside a worker on the embedded broker."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

import msgspec
import orjson
import pytest

from agents.operations.erase.receipt import Receipt
from streams.input.signing_keys import new_signing_key
from streams.rows.erasure import erasure_of
from tests.agents.command import Ran, run_here
from tests.agents.dead_letter_commands import environment
from tests.agents.deployment import Deployment, Sent, deployed, owning_partition
from tests.agents.single_students import many_of, row_of
from tests.events import raw

ADA: Final = "ada-lovelace"


@pytest.fixture(scope="module")
def deployment(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    with deployed(broker, tmp_path_factory.mktemp("erase"), model="none", attention_topic="attention") as made:
        made.start().await_ready()
        made.send([*many_of(ADA, 3), *many_of("bo", 3)])
        made.await_caught_up()
        yield made


def called(deployment: Deployment, *arguments: object) -> Ran:
    return run_here(environment(deployment), *map(str, arguments))


def test_all_that_is_held_of_a_student_is_exported_and_of_others_nothing(deployment: Deployment) -> None:
    ran = called(deployment, "export-person", "bo")

    assert ran.code == 0
    document = orjson.loads(ran.out)["keys"]["bo"]
    assert document["row"]["events"] == 3
    assert document["update"]["student_id"] == "bo"
    assert [len(record["events"]) for record in document["events"]] == [1, 1, 1]
    assert ADA not in ran.text


def test_a_student_is_erased_and_the_receipt_can_be_checked(deployment: Deployment, tmp_path: Path) -> None:
    file = tmp_path / "receipt.json"

    ran = called(deployment, "erase", ADA, "--yes", "--receipt", file)

    assert ran.code == 0, ran.err
    receipt = msgspec.json.decode(file.read_bytes(), type=Receipt)
    row = row_of(deployment.table(), ADA)
    assert row.is_tombstone
    [erased] = receipt.erased
    assert erasure_of(row.erasure).ends == erased.ends
    assert {done.where for done in erased.done} >= {deployment.channels.updates, deployment.channels.attention}
    for done in erased.done:
        [record] = [
            r for r in deployment.records(done.where) if (r.partition, r.offset) == (done.partition, done.offset)
        ]
        assert record.key == ADA.encode()
        assert (record.value is None) == (done.what == "null value")
    assert ADA.encode() not in file.read_bytes(), "a receipt names nobody"
    assert called(deployment, "erase", ADA, "--check", file).code == 0
    assert called(deployment, "erase", "bo", "--check", file).code == 1
    exported: dict[str, Any] = orjson.loads(called(deployment, "export-person", ADA).out)["keys"][ADA]
    assert (exported["update"], exported["explanation"], exported["row"]["events"]) == (None, None, 0)
    assert len(exported["events"]) == 3, "until the input's retention"


@pytest.mark.parametrize("change", [{"erased": []}, {"asked_at": "1990-01-01T00:00:00Z"}, {"remains": []}])
def test_a_receipt_that_was_changed_is_refused(deployment: Deployment, tmp_path: Path, change: dict[str, Any]) -> None:
    file = tmp_path / "receipt.json"
    assert called(deployment, "erase", "cy", "--yes", "--receipt", file).code == 0
    file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), **change}))

    ran = called(deployment, "erase", "--check", file)

    assert ran.code == 1
    assert "changed since" in ran.err


def test_files_that_may_hold_the_student_still_are_named_by_their_content(
    deployment: Deployment, tmp_path: Path
) -> None:
    scores, own, others, file = (tmp_path / name for name in ("scores.csv", "eve.json", "bo.json", "receipt.json"))
    assert called(deployment, "export", "--csv", "--out", scores).code == 0
    assert called(deployment, "export-person", "eve", "--out", own).code == 0
    assert called(deployment, "export-person", "bo", "--out", others).code == 0

    assert called(deployment, "erase", "eve", "--yes", "--receipt", file).code == 0

    assert called(deployment, "erase", "eve", "--check", file).code == 0
    exports = msgspec.json.decode(file.read_bytes(), type=Receipt).exports
    assert exports
    named = {export.what.split()[-1]: export.outcome for export in exports}
    assert named[sha256(scores.read_bytes()).hexdigest()] == "done"
    assert named[sha256(own.read_bytes()).hexdigest()] == "done"
    assert sha256(others.read_bytes()).hexdigest() not in named
    assert sha256(own.read_bytes()).hexdigest()[:12] in called(deployment, "erase", "eve", "--dry-run").text


def test_a_receipt_that_others_can_check(deployment: Deployment, tmp_path: Path) -> None:
    key, file = tmp_path / "receipts.pem", tmp_path / "receipt.json"
    public_key = new_signing_key(key)
    around = {**environment(deployment), "SKILLSTREAM_RECEIPT_KEY_FILE": str(key)}

    assert run_here(around, "erase", "gil", "--yes", "--receipt", str(file)).code == 0

    assert run_here({}, "erase", "--check", str(file), "--signed-by", public_key).code == 0
    assert run_here(around, "erase", "gil", "--check", str(file)).code == 0
    assert run_here(around, "erase", "bo", "--check", str(file)).code == 1


def test_a_dry_run_says_what_would_remain_and_changes_nothing(deployment: Deployment) -> None:
    before = len(deployment.records(deployment.channels.erasures))

    ran = called(deployment, "erase", "bo", "--dry-run")

    assert ran.code == 0
    for where in (deployment.channels.activity, deployment.channels.dead_letters, deployment.changelog):
        assert where in ran.text
    assert len(deployment.records(deployment.channels.erasures)) == before
    assert row_of(deployment.table(), "bo").events == 3


def test_without_a_worker_it_is_asked_for_and_said_that_nobody_answered(broker: str, tmp_path: Path) -> None:
    made = Deployment(broker, tmp_path, {"model": "none"})
    made.make_topics()

    ran = called(made, "erase", ADA, "--yes", "--wait", 0.2)

    assert ran.code == 1
    assert "no worker has answered" in ran.err
    [request] = made.records(made.channels.erasures)
    assert (request.key, request.partition) == (ADA.encode(), owning_partition(ADA))


def test_an_event_under_another_key_is_exported_with_its_student(broker: str, tmp_path: Path) -> None:
    made = Deployment(broker, tmp_path, {"model": "none"})
    made.make_topics()
    made.send([Sent(b"another", raw(student="dee")), Sent(b"dee", b"no event")])

    document = orjson.loads(called(made, "export-person", "dee").out)["keys"]["dee"]

    assert [record["events"][0]["student_id"] for record in document["events"]] == ["dee"]
    assert document["row"] is None


def test_the_keys_of_one_student_are_erased_and_exported_together(deployment: Deployment, tmp_path: Path) -> None:
    identities, file = deployment.settings.topic("identities"), tmp_path / "receipt.json"
    named = {"fay@school.example": b'{"student_id":"fay"}', "fay-2": b'{"student_id":"fay"}', "other": b"no JSON"}
    deployment.send([Sent(key.encode(), value) for key, value in named.items()], identities)
    deployment.send([*many_of("fay", 2), *many_of("fay-2", 2, tag="two")])
    deployment.await_caught_up()

    exported = orjson.loads(called(deployment, "export-person", "fay@school.example").out)["keys"]
    assert {key: len(document["events"]) for key, document in exported.items()} == {
        "fay": 2, "fay-2": 2, "fay@school.example": 0,
    }  # fmt: skip
    assert called(deployment, "erase", "fay-2", "--yes", "--receipt", file).code == 0

    assert row_of(deployment.table(), "fay").is_tombstone
    assert row_of(deployment.table(), "fay-2").is_tombstone
    assert len(msgspec.json.decode(file.read_bytes(), type=Receipt).erased) == 3
