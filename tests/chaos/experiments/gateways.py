"""The gateway killed and the broker away, while clients of several tenants send again what is not answered."""

import signal
from collections import Counter
from collections.abc import Mapping
from itertools import count
from typing import Final

from tests.agents.gateway_process import GatewayProcess
from tests.chaos.accounts import events_in_rows, miscounted, misplaced
from tests.chaos.door_batches import ID
from tests.chaos.door_clients import Clients
from tests.chaos.experiment import experiment
from tests.chaos.experiments.brokers import LOUD_STOP, UNREACHABLE
from tests.chaos.scene import Scene
from tests.gateways import tenants_file
from tests.servers.ports import free_ports

ENOUGH: Final = 600
"""Events that are taken between two blows."""
AWAY_S: Final = 6.0
MOST_MIB: Final = 200
_MIB: Final = 1 << 20
_DOOR: Final = {"gateway_ack_timeout_s": 2.0, "gateway_in_flight_mb": 8, "gateway_max_body_mb": 2}


@experiment("gateway-killed", broker="own")
def the_gateway_is_killed_under_load(scene: Scene) -> None:
    """kill -9 of the gateway, the broker away for a moment, a worker killed: what was taken is folded, and once."""
    tenants = tenants_file(scene.folder)
    scene.deployment.defaults = {**scene.deployment.defaults, "tenants": tenants}
    [port] = free_ports(1)
    door = Door(scene, port)
    workers = scene.two_workers()
    for worker in workers:
        worker.may_end(LOUD_STOP, UNREACHABLE)
    with Clients(port) as clients:
        for _ in range(min(scene.rounds, 10)):
            _await_more(scene, clients)
            door.kill()
            door.start()
            _await_more(scene, clients)
            scene.rng.choice(workers).kill()
            scene.kafka.stop()
            scene.run_for(AWAY_S)
            scene.kafka.restart()
            _await_more(scene, clients)
    assert min(clients.statuses[0], clients.statuses[503]), f"hardly a client had to send again: {clients.statuses}"
    scene.await_caught_up()
    door.stop()
    stored = _stored(scene)
    faults = [*misplaced(clients.taken, clients.refused, stored)]
    due = Counter(stored[id_] for id_ in clients.taken & stored.keys())
    faults += miscounted(due, events_in_rows(scene.deployment.table()))
    assert not faults, f"{len(faults)} faults: {faults[:5]}"


class Door:
    """A gateway at a port that it keeps, which is started again. Fails where it took more memory than it may."""

    def __init__(self, scene: Scene, port: int) -> None:
        self._scene = scene
        self._settings = scene.deployment.given(**_DOOR, gateway_port=port)
        self._runs = count()
        self.start()

    def start(self) -> None:
        """One more run."""
        log = self._scene.folder / f"gateway-{next(self._runs)}.log"
        self._process = self._scene.keep(GatewayProcess(self._settings, log))

    def kill(self) -> None:
        """SIGKILL."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM."""
        self._end(signal.SIGTERM)

    def _end(self, number: signal.Signals) -> None:
        peak_bytes = self._process.peak_bytes
        assert peak_bytes < MOST_MIB * _MIB, f"the gateway took {peak_bytes / _MIB:.0f} MiB"
        code = self._process.end(number)
        assert code == (0 if number == signal.SIGTERM else -number), f"the gateway ended with {code}"


def _await_more(scene: Scene, clients: Clients) -> None:
    """Return when so many more events are taken."""
    before = len(clients.taken)
    scene.until(lambda: len(clients.taken) >= before + ENOUGH or bool(clients.faults), "the gateway takes events")


def _stored(scene: Scene) -> Mapping[str, bytes]:
    """The student of each event that is on the input topic, by its id."""
    records = scene.deployment.records(scene.deployment.channels.activity)
    return {id_.decode(): record.key or b"" for record in records for id_ in ID.findall(record.value or b"")}
