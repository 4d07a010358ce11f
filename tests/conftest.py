"""What holds for all tests."""

import logging
import os
import signal
from collections.abc import Iterator
from typing import Final

import pytest
from hypothesis import settings

from agents.cli.logs import OTHERS

# A property holds or not; how long it takes depends on who else uses the machine. A commit's tests try the same
# examples whenever they are run; the nightly run tries new ones (`make test ARGS=--hypothesis-profile=new-examples`).
settings.register_profile("same-examples", deadline=None, derandomize=True)
settings.register_profile("new-examples", deadline=None)
settings.load_profile("same-examples")

# Whoever runs the tests in the background of a script lets them inherit an ignored SIGINT, and so would the commands.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Files of more than half a minute: begun first, so that none of them is what all others wait for in the end.
LONG: Final = (
    "test_shipped_artifacts.py",
    "test_delivery_worker.py",
    "test_verify.py",
    "test_dead_letters.py",
    "test_worker_asking.py",
    "test_identity.py",
    "test_delivery_recovery.py",
    "test_delivery_stalls.py",
    "test_doctor.py",
    "test_rocksdb_store.py",
    "test_secured_kafka.py",
)


def pytest_xdist_auto_num_workers() -> int:
    """Three times as many as cores: two thirds of the time of all tests is spent waiting for brokers and workers."""
    return 3 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 3 * (os.cpu_count() or 1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mix the files that wait for brokers and workers evenly with those that compute, so that no core is idle."""
    files = sorted(dict.fromkeys(item.path for item in items), key=lambda file: file.name not in LONG)
    waiting = [file for file in files if file.parent.name == "agents"]
    computing = [file for file in files if file.parent.name != "agents"]
    place = {file: (at + 0.5) / len(group) for group in (waiting, computing) for at, file in enumerate(group)}
    items.sort(key=lambda item: place[item.path])


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command run in this process sets up logging, to a stream that pytest closes: it ends with the test."""
    root = logging.getLogger()
    handlers = list(root.handlers)
    levels = {logger: logger.level for logger in (root, *map(logging.getLogger, OTHERS))}
    yield
    for handler in set(root.handlers).difference(handlers):
        root.removeHandler(handler)
    for logger, level in levels.items():
        logger.setLevel(level)
