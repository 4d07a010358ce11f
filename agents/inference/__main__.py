"""The inference process: reads questions from its input, answers them, and ends with its input.

It has an interpreter of its own, so that the worker's event loop waits for none of its work, and gives way to
everything else on the machine.
"""

import asyncio
import os
import signal
import sys

from agents.inference.answering import ProcessAnswers
from agents.inference.messages import SETUPS, read_frame


def serve_inference() -> int:
    """Serve until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of the terminal, which the worker hears too: it ends the input
    questions, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no reply
    try:
        setup = SETUPS.decode(read_frame(questions))
        os.nice(setup.nice)
        asyncio.run(ProcessAnswers(setup, questions, replies).serve())
    except (EOFError, BrokenPipeError):
        return 0
    return 0


if __name__ == "__main__":
    sys.exit(serve_inference())
