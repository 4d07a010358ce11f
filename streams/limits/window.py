"""The log of one window: what was granted when, and how long to wait for room. Pure; `script.py` says it in Lua.

    ──┬───┬┬┬─────┬────────┬─────────► time
      at of each grant    now          a grant counts until at + counted, that moment included

No window is ever exceeded, since a grant is given only if those that still count leave room for it, and what counts
is never less than what a closed window of that length holds.
"""

from collections.abc import Sequence
from typing import NamedTuple


class Granted(NamedTuple):
    """Units granted at `at_us`: at a time that no other grant has, so that it names the grant."""

    at_us: int
    units: int


WindowLog = Sequence[Granted]


def units_of(log: WindowLog) -> int:
    """All that the log holds."""
    return sum(entry.units for entry in log)


def still_counting(log: WindowLog, now_us: int, counted_us: int) -> list[Granted]:
    """What still counts at `now_us`. The log is in order of time."""
    return [entry for entry in log if entry.at_us + counted_us >= now_us]


def room_wait_us(log: WindowLog, most: int, cost: int, now_us: int, counted_us: int) -> int:
    """Microseconds until `cost` more make at most `most`. `cost` must not exceed `most`."""
    over = units_of(log) + cost - most
    if over <= 0:
        return 0
    for entry in log:
        over -= entry.units
        if over <= 0:
            return entry.at_us + counted_us + 1 - now_us
    raise ValueError(f"a cost of {cost} never fits {most}")


def spread_wait_us(log: WindowLog, limit: int, cost: int, now_us: int, counted_us: int) -> int:
    """Microseconds until `cost` may follow the newest grant, if what is left of the window is spent evenly.

    That is the fastest steady rate that never runs out before more comes free. With a room of R units after the
    newest grant, and the j-th unit of the log coming free at e_j, steps of s fit if

        newest + (R + j)·s ≥ e_j for each j,    so    s = max over j of (e_j - newest) / (R + j)

    It depends on the log alone, and what has come free meanwhile does not change it: a wait, once named, holds.
    """
    if not log:
        return 0
    newest_us, steps, gap_us = log[-1].at_us, limit - units_of(log) + cost, 0
    for entry in log:
        if steps > 0:
            gap_us = max(gap_us, -(-(entry.at_us + counted_us + 1 - newest_us) * cost // steps))
        steps += entry.units
    return max(0, newest_us + gap_us - now_us)
