"""Records that are dear to read, or hold far more than they look like."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import orjson

from tests.agents.deployment import Sent
from tests.chaos.experiment import experiment
from tests.chaos.scene import Scene
from tests.chaos.supervised import Supervised
from tests.events import raw
from tests.fuzz.seeds import DOCUMENTS

PAIRS: Final = 20_000
ARRAYS: Final = 40
ZEROS: Final = 100_000
STUDENTS: Final = 30_000
UNREADABLE: Final = 3_000
MOST_RECORDS: Final = 20_000
BLOCK_S: Final = 1.0
"""For how long a worker's event loop may stand still, by its own measure."""
ANSWER_S: Final = 3.0
"""A loop that stands still for at most a second, on a machine that others use as well."""


@experiment("slow-records")
def dear_to_read(scene: Scene) -> None:
    """20,000 events and their voids; arrays of 100,000 zeros; 30,000 students at once: no loop stands still for 1 s."""
    one, two = scene.two_workers(max_batch_records=MOST_RECORDS)
    with scene.load(), answering(scene, one), answering(scene, two):
        for _ in range(min(scene.rounds, 3)):
            scene.send(voided_pairs(f"v{scene.rng.random()}"))
            scene.send(arrays_of_zeros())
            scene.send(a_crowd(f"c{scene.rng.random()}"))
            scene.send(a_third_unreadable(f"u{scene.rng.random()}"))
            scene.await_recovery()
        scene.until(lambda: (lag := scene.offsets.lag()) is not None and lag < PAIRS, "nearly all is committed")
    scene.await_caught_up()
    assert not one.restarts + two.restarts, "a worker ended"
    allowed_s, longest_s = BLOCK_S * scene.patience, max(one.longest_block_s, two.longest_block_s)
    assert longest_s < allowed_s, f"an event loop stood still for {longest_s:.2f} s, {allowed_s:.2f} s are allowed"


@contextmanager
def answering(scene: Scene, worker: Supervised) -> Iterator[None]:
    """While the context is open, `/live` of the worker is asked again and again; each answer must come in time."""
    over, slowest_s, bad = threading.Event(), [0.0], list[str]()

    def ask() -> None:
        while not over.wait(0.1):
            began_s = time.monotonic()
            status = worker.process.get("/live").status
            slowest_s[0] = max(slowest_s[0], time.monotonic() - began_s)
            if status != 200:
                bad.append(f"/live answered {status}")

    asking = threading.Thread(target=_noting(ask, bad), name="asking", daemon=True)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join(60)
    assert not bad, bad[0]
    allowed_s = ANSWER_S * scene.patience
    assert slowest_s[0] < allowed_s, f"/live took {slowest_s[0]:.1f} s to answer, {allowed_s:.1f} s are allowed"


def voided_pairs(student: str) -> Iterator[Sent]:
    """Of one student, alternating."""
    for number in range(PAIRS):
        event_id = f"{student}-{number}"
        yield Sent(student.encode(), raw(student=student, event_id=event_id, voidable=True))
        yield Sent(student.encode(), raw("voided", student, event_id=f"{event_id}-v", voided_id=event_id))


def arrays_of_zeros() -> Iterator[Sent]:
    """One good statement each."""
    value = b"[" + orjson.dumps(DOCUMENTS["xapi"][0]) + b",0" * ZEROS + b"]"
    for _ in range(ARRAYS):
        yield Sent(b"ada", value)


def a_crowd(name: str) -> Iterator[Sent]:
    """One event each."""
    for number in range(STUDENTS):
        student = f"{name}-{number}"
        yield Sent(student.encode(), raw(student=student))


def a_third_unreadable(name: str) -> Iterator[Sent]:
    """More would stop a worker, as a flood of them does."""
    for number in range(UNREADABLE):
        student = f"{name}-{number}"
        yield Sent(student.encode(), b'{"type":"attempt","version":"none"}')
        yield Sent(student.encode(), raw(student=student))
        yield Sent(student.encode(), raw(student=student, minute=1))


def _noting(ask: Callable[[], None], bad: list[str]) -> Callable[[], None]:
    def noting() -> None:
        try:
            ask()
        except Exception as error:  # a failure of the asking thread is the experiment's
            bad.append(f"/live was not answered: {error!r}")

    return noting
