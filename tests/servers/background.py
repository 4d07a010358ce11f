"""One Kafka left running for people: started, found again, stopped.

The broker inherits a lock on the file that describes it, so the file's process id is valid exactly as long as
the lock is held: a stale file can neither hide a new broker nor end someone else's process.
"""

import fcntl
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import click

from tests.servers.child import ServerFailed
from tests.servers.jars import FOLDER
from tests.servers.kafka import RealKafka

_NOTE = FOLDER / "running.json"
_STOP_GRACE_S = 45.0
_POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Running:
    """The broker that was left running."""

    bootstrap: str
    pid: int
    folder: str


def start() -> tuple[Running, bool]:
    """The broker in the background, and whether it was started only now."""
    with _note() as descriptor:
        if not _lock(descriptor):
            return _read(), False
        os.truncate(descriptor, 0)
        click.echo("Starting Kafka (a few seconds)", err=True)
        broker = RealKafka()
        try:
            broker.start(detached=True, inherit=[descriptor])
            running = Running(broker.bootstrap, broker.release(), str(broker.folder))
        except BaseException:
            broker.close()
            raise
        os.write(descriptor, json.dumps(asdict(running)).encode())
        return running, True


def stop() -> Running | None:
    """Stops the broker in the background and removes its data; None when none runs."""
    with _note() as descriptor:
        if _lock(descriptor):
            return None
        running = _read()
        os.kill(running.pid, signal.SIGTERM)
        deadline = time.monotonic() + _STOP_GRACE_S
        while not _lock(descriptor):
            if time.monotonic() > deadline:
                os.kill(running.pid, signal.SIGKILL)
            time.sleep(_POLL_S)
        shutil.rmtree(running.folder, ignore_errors=True)
        return running


@contextmanager
def _note() -> Iterator[int]:
    FOLDER.mkdir(exist_ok=True)
    descriptor = os.open(_NOTE, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read() -> Running:
    text = _NOTE.read_text()
    if not text:
        raise ServerFailed("A Kafka is being started by someone else just now: try again in a few seconds")
    return Running(**json.loads(text))
