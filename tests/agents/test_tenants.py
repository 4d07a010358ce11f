"""Tenants on the embedded broker: one bad producer stops its own tenant, exactly, and `verify` agrees."""

import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from streams.input.tenancy import Tenancy
from streams.rows.codec import decode_row
from tests.agents.command import Ran, run_here
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed, owning_partition
from tests.agents.environment import environment
from tests.events import raw

NORTH_KEY, SOUTH_KEY = "n" * 32, "s" * 32
TENANCY: Final = Tenancy(
    {"north": "north:", "south": "south:"}, {"north": [NORTH_KEY.encode()], "south": [SOUTH_KEY.encode()]}
)
FILE: Final = f"""
[tenants.north]
students = "north:"
signing_keys = ["{NORTH_KEY}"]
[tenants.south]
students = "south:"
signing_keys = ["{SOUTH_KEY}"]
"""
ADA: Final = "north:ada"
HOME: Final = owning_partition(ADA)
BOB: Final = next(name for name in (f"south:{n}" for n in range(99)) if owning_partition(name) == HOME)
BAD: Final = 1_100


def sent(tenant: str, student: str, event: str, value: bytes | None = None) -> Sent:
    value = raw("attempt", student, event_id=event) if value is None else value
    headers: Any = TENANCY.sign(tenant, student.encode(), value)
    return Sent(student.encode(), value, headers=headers)


def run(deployment: Deployment, *arguments: str) -> Ran:
    return run_here(environment(deployment.given()), *arguments)


def events_of(deployment: Deployment, student: str) -> int:
    row = deployment.table().get(owning_partition(student), student.encode())
    return 0 if row is None else decode_row(row).events


@pytest.fixture(scope="module")
def shared(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """North floods its partition, a worker dies between the hold and the first record under it; another goes on."""
    folder = tmp_path_factory.mktemp("tenants")
    file = folder / "tenants.toml"
    file.write_text(FILE)
    with deployed(broker, folder, model="none", tenants=file, dead_letter_max_ratio=1) as made:
        made.send([sent("north", ADA, "first"), sent("south", BOB, "first"), sent("south", ADA, "foreign")])
        made.send([sent("north", ADA, "", b"x") for _ in range(BAD)])
        made.send([sent("north", ADA, "behind"), sent("south", BOB, "behind")])
        dying = made.start(program="tests.agents.dying_at_a_hold")
        assert dying.exit_code() == -signal.SIGKILL, dying.tail()
        worker = made.start()
        worker.await_ready()
        made.await_caught_up()
        yield made
        assert worker.terminate() == 0, worker.tail()


def test_the_flood_of_one_tenant_is_held_and_the_other_s_events_are_folded(shared: Deployment) -> None:
    assert (events_of(shared, ADA), events_of(shared, BOB)) == (1, 2)
    found = {(dead_letter.offset, dead_letter.reason) for _, dead_letter in shared.dead_letters()}
    reasons = Counter(reason for _, reason in found)
    assert reasons == {"foreign_student": 1, "not_json": 1_000, "tenant_held": BAD - 1_000 + 1}

    held = run(shared, "tenants", "held")
    assert held.code == 1
    assert ["north", str(HOME), "1003"] in [line.replace("│", " ").split() for line in held.text.splitlines()]


def test_health_and_metrics_name_the_tenant(shared: Deployment) -> None:
    worker = shared.workers[-1]
    tenants = worker.get("/health/detailed").json["components"]["tenants"]
    assert tenants["status"] == "degraded"
    assert f"north on partition {HOME}" in tenants["reason"]
    metrics = worker.metrics()
    assert metrics['tenant_held_partitions{tenant="north"}'] == 1
    assert metrics['tenant_dead_letters_total{tenant="north"}'] == BAD + 1
    assert metrics['tenant_dead_letters_total{tenant="south"}'] == 1
    counted = {
        name: [metrics[f'tenant_{name}_total{{tenant="{tenant}"}}'] for tenant in ("north", "south", "unsigned")]
        for name in ("records", "events", "updates")
    }
    assert counted["events"] == [1, 2, 0]
    assert counted["records"][0] >= BAD + 2
    assert counted["updates"][2] == 0
    assert min(counted["updates"][:2]) >= 1


def test_verify_folds_alike_and_a_release_ends_the_hold_at_the_end_of_the_partition(shared: Deployment) -> None:
    verified = run(shared, "verify")
    assert verified.code == 0, verified.text + verified.err
    assert "holds: 1, of which 1 stand" in verified.text

    assert run(shared, "tenants", "release", "south").text.startswith("south is not held")
    released = run(shared, "tenants", "release", "north")
    assert released.text.startswith(f"Written, of partitions {HOME}."), released.err
    until(lambda: run(shared, "tenants", "held").code == 0, "a worker ends the hold")
    shared.send([sent("north", ADA, "after")])
    shared.await_caught_up()

    assert events_of(shared, ADA) == 2
    replay = run(shared, "dead-letters", "replay", "--dry-run", "--json", "--reason", "tenant_held", "--policy", "drop")
    assert replay.code == 0, replay.err
    assert (replay.lines[0]["reinserted"], replay.lines[0]["dropped"]) == (1, BAD - 1_000)
    verified = run(shared, "verify", "--json")
    assert verified.code == 0, verified.text + verified.err
    assert verified.lines[-1]["tenants"] == {
        **{"proved": BAD + 6, "not_proved": 0, "unsigned": 0},
        **{"foreign_students": 1, "held": BAD - 1_000 + 1, "hold_count": 1, "standing": 0},
    }


def test_a_worker_does_not_start_on_a_file_that_is_wrong(shared: Deployment, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text(FILE.replace('"south:"', '"north:"'))

    refused = shared.start(tenants=wrong)

    assert refused.exit_code() == 2
    assert "tenants.south.students" in refused.log


def test_verify_finds_a_row_that_holds_what_another_tenant_said_and_counts_who_proves_nothing(
    broker: str, tmp_path: Path
) -> None:
    (file := tmp_path / "tenants.toml").write_text(FILE)
    with deployed(broker, tmp_path, model="none", tenants=file) as made:
        forged = replace(sent("south", ADA, "forged"), headers=sent("north", ADA, "first").headers)
        made.send([sent("north", ADA, "first"), sent("south", ADA, "foreign"), forged])
        worker = made.start()
        made.await_caught_up()
        assert worker.terminate() == 0, worker.tail()
        exact = run(made, "verify", "--json")
        row = made.replay().rows.get(HOME, ADA.encode())  # as if there were no tenants
        made.send([Sent(ADA.encode(), row)], made.changelog)
        found = run(made, "verify", "--json")

    assert (exact.code, found.code) == (0, 1)
    told = exact.lines[-1]["tenants"]
    assert (told["proved"], told["not_proved"], told["foreign_students"]) == (2, 1, 2)
    assert any("1 records with a tenant's header that proves nothing" in note for note in exact.lines[-1]["notes"])
    assert [(each["kind"], each["student"]) for each in found.lines[-1]["differences"]] == [("double_applied", ADA)]
