"""Logging of the commands: one line a record, to standard error; other programs' chatter from WARNING on."""

import logging
from typing import Final

OTHERS: Final = ("agents.delivery", "faust", "mode", "aiokafka", "httpx", "httpx2", "openai", "asyncio", "kafka")


def log_to_stderr(level: str) -> None:
    """Set up the root logger."""
    logging.basicConfig(level=level.upper(), format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True)
    for name in OTHERS:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLevelName(level.upper())))
