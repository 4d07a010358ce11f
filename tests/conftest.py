"""What holds for all tests."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import settings

from agents.cli.logs import OTHERS

# A property holds or not; how long it takes depends on who else uses the machine.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


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
