"""What a worker knows of a limit in Redis: the state as it was answered last, by the worker's own clock.

It is what a worker brings back where Redis has lost it, and what it starts from where Redis is away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from streams.limits.bucket import FULL_RATE_PERMILLE, Bucket
from streams.limits.ledger import BucketLedger, LimitLedger, most_granted
from streams.limits.window import Granted, units_of


@dataclass(frozen=True, slots=True)
class LimitCopy:
    """`now_us` is the limit's own time, which all but the last two are by: when, by this worker's clock, it was asked
    for and answered. Logs are as in Redis. Without a copy `born` is 0.
    """

    born: int = 0
    last: int = 0
    now_us: int = 0
    held_until_us: int = 0
    slowed_permille: int = FULL_RATE_PERMILLE
    slowed_at_us: int = 0
    tats_us: tuple[int, ...] = ()
    logs: tuple[str, ...] = ()
    sent_us: int = 0
    received_us: int = 0

    @classmethod
    def read(cls, answer: Sequence[Any], sent_us: int, received_us: int) -> "LimitCopy":
        """The state part of the script's answer."""
        born, last, now_us, held_until_us, slowed_permille, slowed_at_us, tats_us, logs = answer
        return cls(
            born=born,
            last=last,
            now_us=now_us,
            held_until_us=held_until_us,
            slowed_permille=slowed_permille,
            slowed_at_us=slowed_at_us,
            tats_us=tuple(tats_us),
            logs=tuple(log.decode() for log in logs),
            sent_us=sent_us,
            received_us=received_us,
        )

    def age(self, clock_us: int) -> dict[str, int]:
        """For the script: which copy this is, and how old it is."""
        return {
            "born": self.born,
            "seen": self.last,
            "then": self.now_us,
            "since": max(0, clock_us - self.received_us),
            "elapsed": max(0, clock_us - self.sent_us),
        }

    def all(self) -> dict[str, Any]:
        """For the script: all of it."""
        return {
            "tats": self.tats_us,
            "logs": self.logs,
            "held": self.held_until_us,
            "rate": self.slowed_permille,
            "at": self.slowed_at_us,
        }

    def time_us(self, clock_us: int) -> int:
        """The limit's time when this worker's clock says `clock_us`: never ahead of it."""
        return self.now_us + clock_us - self.received_us

    def ledger(self, buckets: Sequence[Bucket], clock_us: int) -> LimitLedger:
        """A ledger that goes on from here; what others can have been granted since then counts as spent.

        Without a copy it starts empty.
        """
        now_us = self.time_us(clock_us)
        ledger = LimitLedger(buckets, now_us)
        if not self.born:
            return ledger
        ledger.last_us = max(self.last, now_us)
        ledger.held_until_us, ledger.slowed_permille = self.held_until_us, self.slowed_permille
        ledger.slowed_at_us = self.slowed_at_us
        for i, (bucket, tat_us, log) in enumerate(zip(buckets, self.tats_us, self.logs, strict=True)):
            ledger.states[i] = BucketLedger(bucket, tat_us, unpacked(log), own_after_us=ledger.last_us + 1)
        gap_us = clock_us - self.sent_us
        unknown = []
        for state in ledger.states:
            state.trim(now_us)
            room = state.bucket.limit - units_of(state.log)
            unknown.append(max(0, min(room, most_granted(buckets, state.bucket, gap_us))))
        ledger.charge(unknown, now_us)
        return ledger


def unpacked(log: str) -> list[Granted]:
    """A log as it is in Redis: time and units in turn."""
    words = [int(word) for word in log.split()]
    return [Granted(*pair) for pair in zip(words[::2], words[1::2], strict=True)]


def packed(log: Sequence[Granted]) -> str:
    """The other way."""
    return " ".join(f"{entry.at_us} {entry.units}" for entry in log)
