"""What a worker does to itself, at which call of the Kafka client: told by the suite, done by `faulty_worker`."""

from collections.abc import Iterable
from random import Random
from typing import Final, Literal

import msgspec
from msgspec import Struct

VARIABLE: Final = "SKILLSTREAM_TEST_FAULT"

Call = Literal["changelog", "output", "commit", "recovery", "norms", "shards", "answer", "null"]
Deed = Literal[
    "kill before",  # SIGKILL instead of the call; before an output: as soon as all of the changelog is confirmed
    "kill after",  # SIGKILL as soon as the broker has confirmed the call
    "withhold",  # never send it; SIGKILL as soon as the next output is confirmed
    "stop",  # SIGSTOP just before the call, which goes on at SIGCONT
    "fail",  # the broker's refusal, as the call's future has it
    "raise",  # an error of the client, before anything is sent
    "slow",  # restores as slowly as if the log were longer: `number` us a record
]


class Fault(Struct, frozen=True):
    """One deed, at the `number`-th (from 1) call of its kind; but see `slow`."""

    at: Call
    do: Deed
    number: int = 1

    @property
    def exit_codes(self) -> frozenset[int]:
        """How a worker may end of it."""
        if self.do == "slow":
            return frozenset()
        return frozenset({4}) if self.do in ("fail", "raise", "stop") else frozenset({-9})


def at_random_calls(rng: Random, faults: Iterable[Fault]) -> list[Fault]:
    """Each at a call of its own choice: late enough that some of its run is committed, before it is over."""
    numbers = {"commit": (1, 3)}
    return [msgspec.structs.replace(fault, number=rng.randint(*numbers.get(fault.at, (25, 70)))) for fault in faults]
