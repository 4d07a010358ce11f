"""A tenant whose producer is broken, among others whose are not."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import orjson

from streams.input.tenancy import Tenancy
from tests.agents.deployment import PARTITIONS, Sent, owning_partition
from tests.chaos.accounts import events_in_rows, miscounted
from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.chaos.verdict import skillstream
from tests.events import raw

FLOOD: Final = 3_000
"""On each partition: a worker that is killed counts anew."""
SMALL_FLOOD: Final = 300
"""Of a tenant that may have 50 in a row."""
GOOD: Final = 40
"""Events of each student at once."""
_KEY: Final = "n" * 32
_NORTH: Final = Tenancy({"north": "north:"}, {"north": [_KEY.encode()]})


@experiment("one-tenant-floods")
def one_tenant_floods(scene: Scene) -> None:
    """A tenant writes garbage to all partitions under load, a worker is killed: the tenant is held, then released."""
    scene.deployment.defaults = {**scene.deployment.defaults, "tenants": _tenants_file(scene.folder)}
    one, two = scene.two_workers()
    floods = min(scene.rounds, 3)
    with scene.load():
        for _ in range(floods):
            scene.send(_flood())
            one.kill()
            scene.await_recovery()
            scene.until(lambda: _held(scene) == PARTITIONS, "the tenant is held on all partitions")
            _tenants(scene, "release", "north")
            scene.until(lambda: _held(scene) == 0, "the tenant is released on all partitions")
    scene.await_caught_up()
    assert not two.restarts, "a worker ended of a tenant's garbage"
    reasons = [dead_letter.reason for _, dead_letter in scene.deployment.dead_letters()]
    assert reasons.count("tenant_held") >= floods * PARTITIONS * (FLOOD - 2_000)


@experiment("held-and-replayed")
def a_held_tenant_is_released_and_replayed(scene: Scene) -> None:
    """What a held tenant wrote is replayed after its release, under kill -9: all of it is folded, and once."""
    scene.deployment.defaults = {
        **scene.deployment.defaults,
        "tenants": _tenants_file(scene.folder, "dead_letter_max_consecutive = 50"),
    }
    one, two = scene.two_workers()
    due: Counter[bytes] = Counter()
    with scene.load():
        for number in range(min(scene.rounds, 10)):
            scene.send([*_good(due, f"before-{number}"), *_flood(SMALL_FLOOD), *_good(due, f"held-{number}")])
            one.kill()
            scene.await_recovery()
            scene.until(lambda: _held(scene) == PARTITIONS, "the tenant is held on all partitions")
            scene.send(_good(due, f"late-{number}"))
            _tenants(scene, "release", "north")
            scene.until(lambda: _held(scene) == 0, "the tenant is released on all partitions")
            _await_read(scene)
            reinserted = _replayed(scene)
            assert reinserted >= 2 * GOOD * PARTITIONS, f"{reinserted} held records were reinserted: this proves little"
            scene.send(_good(due, f"after-{number}"))
        assert _replayed(scene) == 0, "what was replayed is replayed again"
        scene.await_recovery()
    scene.await_caught_up()
    assert not two.restarts, "a worker ended of a tenant's garbage"
    faults = [*miscounted(due, events_in_rows(scene.deployment.table(), b"north:"))]
    assert not faults, faults


def _await_read(scene: Scene) -> None:
    """Return when all that is there by now is committed."""
    ends = scene.offsets.ends()
    scene.until(
        lambda: all(at >= ends[place] for place, at in scene.offsets.committed().items()), "what is there is committed"
    )


def _replayed(scene: Scene) -> int:
    """How many held records are sent back, while a worker is killed."""
    arguments = ("dead-letters", "replay", "--yes", "--json", "--reason", "tenant_held", "--policy", "drop")
    with ThreadPoolExecutor(1) as beside:
        asked = beside.submit(skillstream, *arguments, settings=scene.deployment.given())
        scene.run_for(scene.rng.uniform(0.5, 3.0))
        scene.workers[0].kill()
        scene.until(asked.done, "the replay ends", 120)
    done = asked.result()
    assert done.returncode == 0, done.stderr[-1000:]
    return int(orjson.loads(done.stdout.splitlines()[-1])["reinserted"])


def _tenants_file(folder: Path, *more: str) -> Path:
    file = folder / "tenants.toml"
    north = ("[tenants.north]", 'students = "north:"', f'signing_keys = ["{_KEY}"]', *more)
    file.write_text("\n".join(north))
    return file


def _good(due: Counter[bytes], name: str) -> list[Sent]:
    """As many good events on each partition, which are `due` from now on."""
    made = [
        (student.encode(), raw(student=student, event_id=f"{name}-{number}"))
        for student in _students()
        for number in range(GOOD)
    ]
    due.update(student for student, _ in made)
    return [_sent(student, value) for student, value in made]


def _flood(records: int = FLOOD) -> list[Sent]:
    """As many bad records on each partition."""
    return [_sent(student.encode(), b"x") for student in _students()] * records


def _students() -> Sequence[str]:
    """One on each partition."""
    return [*{owning_partition(student): student for student in (f"north:{number}" for number in range(100))}.values()]


def _sent(student: bytes, value: bytes) -> Sent:
    signed: Any = _NORTH.sign("north", student, value)
    return Sent(student, value, headers=signed)


def _held(scene: Scene) -> int:
    """On how many partitions the tenant is held."""
    return sum("north" in line for line in _tenants(scene, "held").splitlines())


def _tenants(scene: Scene, *arguments: str) -> str:
    return skillstream("tenants", *arguments, settings=scene.deployment.given()).stdout
