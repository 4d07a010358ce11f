"""What holds for all tests."""

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

from agents.cli.logs import OTHERS

# A property holds or not; how long it takes depends on who else uses the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

# Whoever runs the tests in the background of a script lets them inherit an ignored SIGINT, and so would the commands.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_xdist_auto_num_workers() -> int:
    """Twice as many as cores: two thirds of the time of all tests is spent waiting for brokers and workers."""
    return 2 * len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2 * (os.cpu_count() or 1)


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
