"""One student's components as plain numbers, for the few whose answers are added and retracted one after the other.

Equal, to the last bit, to what `streams.folding.component_sums` does to many rows at once.
"""

import struct
from dataclasses import dataclass
from itertools import starmap
from typing import Final

import numpy as np

from streams.folding.answers import WIN
from streams.rows.components import ComponentSection, section_of
from streams.rows.layout import COMPONENT

_RECORD: Final = struct.Struct("<IIIIdd")  # as COMPONENT


@dataclass(slots=True)
class _Sums:
    """One component, in the order of COMPONENT's fields."""

    code: int
    newest_s: int
    wins: int
    fails: int
    recent_wins: float
    recent_fails: float

    def values(self) -> tuple[float, ...]:
        return self.code, self.newest_s, self.wins, self.fails, self.recent_wins, self.recent_fails


class StudentComponents:
    """The components of one row, at most `most`. `given_up` counts those that went for want of room."""

    def __init__(self, section: bytes, most: int) -> None:
        split = ComponentSection.of(section)
        sums = list(starmap(_Sums, np.frombuffer(split.records, COMPONENT).tolist()))
        self._sums = {each.code: each for each in sums}
        self._names = dict(zip(self._sums, split.names(), strict=True))
        self._most = most
        self.given_up = 0

    def __contains__(self, code: int) -> bool:
        return code in self._sums

    def add(self, code: int, name: bytes, value: float, weight: float, time_s: int) -> list[int]:
        """Add an answer; return the codes of the components that went: those with the oldest evidence.

        The one that is added may be among them, if its answer is older than all others.
        """
        sums = self._sums.get(code)
        is_new = sums is None
        if sums is None:
            sums = self._sums[code] = _Sums(code, 0, 0, 0, 0.0, 0.0)
            self._names[code] = name
        sums.newest_s = max(sums.newest_s, time_s)
        if value == WIN:
            sums.wins += 1
            sums.recent_wins += weight
        else:
            sums.fails += 1
            sums.recent_fails += weight
        return self._make_room() if is_new else []

    def retract(self, code: int, value: float, weight: float) -> None:
        """Subtract an answer. A component without answers goes."""
        sums = self._sums.get(code)
        if sums is None:
            return
        if value == WIN:
            sums.wins -= 1
            sums.recent_wins = max(0.0, sums.recent_wins - weight) if sums.wins else 0.0
        else:
            sums.fails -= 1
            sums.recent_fails = max(0.0, sums.recent_fails - weight) if sums.fails else 0.0
        if sums.wins == sums.fails == 0:
            self._remove(code)

    def rebase(self, factor: float) -> None:
        """Carry the decayed sums to another reference time."""
        for sums in self._sums.values():
            sums.recent_wins *= factor
            sums.recent_fails *= factor

    def section(self) -> bytes:
        """The part of the row."""
        return section_of({self._names[code]: _RECORD.pack(*sums.values()) for code, sums in self._sums.items()})

    def _make_room(self) -> list[int]:
        gone = []
        while len(self._sums) > self._most:
            oldest = min(self._sums.values(), key=lambda sums: (sums.newest_s, sums.code))
            gone.append(oldest.code)
            self._remove(oldest.code)
        self.given_up += len(gone)
        return gone

    def _remove(self, code: int) -> None:
        del self._sums[code], self._names[code]
