"""Students erased while their events flow: whoever accepts is killed at every moment of it."""

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Final

import msgspec

from schemas.erasure import ACCEPTED_HEADER, Acceptance, encode_acceptance
from streams.rows.row import Row
from streams.verification.audit import rows_differ
from tests.agents.deployment import PARTITIONS, Sent
from tests.chaos.accounts import rows_by_student
from tests.chaos.experiment import experiment
from tests.chaos.fault import Fault
from tests.chaos.left_over import left_over, rows_of_erased
from tests.chaos.load import STUDENTS
from tests.chaos.scene import Scene
from tests.chaos.verdict import skillstream, verdict_of
from tests.events import raw
from tests.garbage import bad_requests

ASKED: Final = 12
"""Students at once: enough that each worker has one."""
AHEAD_MS: Final = 40 * 60_000
_MOMENTS: Final = (
    Fault("answer", "kill after"),
    Fault("answer", "kill before"),
    Fault("null", "kill before"),
)
"""It is accepted, and not carried out; not even that; the row is written, and not all null values are."""
_FORGED: Final = encode_acceptance(Acceptance("", 1, (1 << 40,) * PARTITIONS))


@experiment("erased-under-load", norms=False)
def students_are_erased_under_load(scene: Scene) -> None:
    """Students erased, some twice, some back at once, with kill -9 at each moment of it: all exact, nothing left."""
    scene.deployment.defaults = {**scene.deployment.defaults, "attention_topic": "attention"}
    scene.deployment.make_topics()
    moments = [*islice(cycle(_MOMENTS), min(scene.rounds, 10))]
    workers = scene.two_workers([run for fault in moments for run in (fault, None)])
    leavers: list[str] = []
    with scene.load():
        for number, fault in enumerate(moments, start=1):
            leaving = [f"leaver-{number}-{place}" for place in range(ASKED)]
            leavers += leaving
            scene.deployment.send(_from_a_fast_clock([*leaving, *_some_of_the_class(scene)]))
            scene.await_shares(workers)  # whoever is to kill itself has to have something to answer
            _ask(scene, [*leaving, *_some_of_the_class(scene)])
            scene.await_deaths(workers[0], number, f"the worker kills itself: {fault}")
            scene.await_recovery()
            scene.await_shares(workers)
            _ask(scene, leaving[: ASKED // 2])
            scene.deployment.send(_no_requests(scene), scene.deployment.channels.erasures)
            _erase_by_command(scene, leaving[0])
    scene.await_caught_up()
    scene.stop_all()
    verdict = verdict_of(scene.deployment)
    assert verdict.ok, f"before the table is rebuilt: {verdict}"
    assert left_over(scene.deployment) == [], "something was said of an erased student, and not deleted"
    erased = rows_of_erased(scene.deployment)
    assert all(erased[student.encode()].is_tombstone for student in leavers), "somebody who left is back"
    assert any(row.events for row in erased.values()), "nobody came back: this proves nothing"
    _rebuild(scene)


def _ask(scene: Scene, students: Sequence[str]) -> None:
    """By record; of some the record looks like a worker's answer that erases all that will ever be."""
    forged, headers = _FORGED, ((ACCEPTED_HEADER, b"1"),)
    requests = [
        Sent(student.encode(), b"{}") if number % 4 else Sent(student.encode(), forged, headers=headers)
        for number, student in enumerate(students)
    ]
    scene.deployment.send(requests, scene.deployment.channels.erasures)


def _erase_by_command(scene: Scene, student: str) -> None:
    """A worker is killed meanwhile; the command waits for the next one."""
    with ThreadPoolExecutor(1) as beside:
        given = scene.deployment.given()
        asked = beside.submit(skillstream, "erase", student, "--yes", "--wait", "90", settings=given)
        scene.run_for(scene.rng.uniform(0.5, 2.5))
        scene.workers[0].kill()
        scene.until(asked.done, "the command says that the student is erased", 120)
    assert asked.result().returncode == 0, asked.result().stderr[-1000:]


def _rebuild(scene: Scene) -> None:
    """The rows of a table that is folded anew are those that the workers had."""
    before = rows_by_student(scene.deployment.table())
    done = skillstream("rebuild", "--yes", settings=scene.deployment.given())
    assert done.returncode == 0, done.stderr[-1000:]
    for worker in scene.workers:
        worker.start()
    scene.await_caught_up()
    after = rows_by_student(scene.deployment.table())
    assert before.keys() == after.keys()
    found = {key: rows_differ(_of_epoch(row, after[key].epoch), after[key]) for key, row in before.items()}
    assert not any(found.values()), {key: each for key, each in found.items() if each}


def _of_epoch(row: Row, epoch: int) -> Row:
    return msgspec.structs.replace(row, epoch=epoch)


def _some_of_the_class(scene: Scene) -> list[str]:
    return [f"sim-{number:05d}" for number in scene.rng.sample(range(STUDENTS), ASKED)]


def _from_a_fast_clock(students: Sequence[str]) -> Iterator[Sent]:
    """Events of all, on partitions that are not always the student's, by a clock that is 40 minutes ahead."""
    now_ms = time.time_ns() // 1_000_000
    for number, student in enumerate(students):
        for again in range(3):
            value = raw(student=student, event_id=f"{now_ms}-{student}-{again}", item_id=f"item-{again}")
            place = number % PARTITIONS if again == 2 else None
            yield Sent(student.encode(), value, place, timestamp_ms=now_ms + AHEAD_MS)


def _no_requests(scene: Scene) -> list[Sent]:
    garbage = bad_requests(scene.rng.randrange(PARTITIONS))
    return [one for one in garbage if len(one.key or b"") < 300 and not one.timestamp_ms]
