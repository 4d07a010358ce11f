"""A tenant whose producer is broken, among others whose are not."""

from pathlib import Path
from typing import Any, Final

from streams.input.tenancy import Tenancy
from tests.agents.deployment import PARTITIONS, Sent, owning_partition
from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.chaos.verdict import skillstream

FLOOD: Final = 3_000
"""On each partition: a worker that is killed counts anew."""
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


def _tenants_file(folder: Path) -> Path:
    file = folder / "tenants.toml"
    file.write_text(f'[tenants.north]\nstudents = "north:"\nsigning_keys = ["{_KEY}"]\n')
    return file


def _flood() -> list[Sent]:
    """As many bad records on each partition."""
    by_partition = {owning_partition(student): student for student in (f"north:{number}" for number in range(100))}
    students = [student.encode() for student in by_partition.values()] * FLOOD
    return [Sent(student, b"x", headers=_signed(student)) for student in students]


def _signed(student: bytes) -> Any:
    return _NORTH.sign("north", student, b"x")


def _held(scene: Scene) -> int:
    """On how many partitions the tenant is held."""
    return sum("north" in line for line in _tenants(scene, "held").splitlines())


def _tenants(scene: Scene, *arguments: str) -> str:
    return skillstream("tenants", *arguments, settings=scene.deployment.given()).stdout
