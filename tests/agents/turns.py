"""How long an event loop works on one thing: in CPU time of its thread, so that a busy machine changes nothing."""

import asyncio
import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import thread_time

import pytest


@dataclass
class Turns:
    """`longest_s` is the longest turn by now: the time from taking up a callback to looking for the next."""

    longest_s: float = 0.0


@contextmanager
def measured_turns() -> Iterator[Turns]:
    """Measure the turns of loops in this thread while the context is open.

    Without searches for garbage: what other tests left is searched too, and a worker searches nothing that is old.
    """
    turns, run, thread = Turns(), asyncio.Handle._run, threading.get_ident()

    def measured(handle: asyncio.Handle) -> None:
        began_s = thread_time()
        try:
            run(handle)
        finally:
            if threading.get_ident() == thread:
                turns.longest_s = max(turns.longest_s, thread_time() - began_s)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.Handle, "_run", measured)
        gc.disable()
        try:
            yield turns
        finally:
            gc.enable()
