"""Counts the distinct students of items without a list of them.

`recent` has the codes of the last RECENT students who were new to an item; whoever is not among them is new. So any
RECENT + 1 steps of `students` are as many distinct students. Two who share a code only delay the count.

    turn      0 … 8: that slot is next, those before it are in use; 9 … 17: slot turn - 9 is next, all are in use
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import numpy as np

from streams.rows.layout import Array, Indices

RECENT: Final = 9
_SLOTS: Final = np.arange(RECENT)
_CODE_BITS: Final = 16


def note_students(sums: Array, owner: Indices, codes: Array) -> None:
    """Count the students who answered, in their order, in `sums` (ITEM_SUMS, one an item).

    `owner` has the index in `sums` of each answer, and does not fall; `codes` its student.
    """
    if not len(owner):
        return
    recent, turn = sums["recent"], sums["turn"].astype(np.intp)
    came_before, repeats = _repeats(recent, turn, owner, codes)
    counts = np.bincount(owner, minlength=len(sums))
    new = ~(came_before & (counts == 1))[owner]
    for index in np.flatnonzero((came_before | repeats) & (counts > 1)).tolist():
        start, end = np.searchsorted(owner, (index, index + 1)).tolist()
        in_use = min(int(turn[index]), RECENT)
        oldest_first = recent[index][(turn[index] - in_use + _SLOTS[:in_use]) % RECENT]
        new[start:end] = _new_in_turn(oldest_first.tolist(), codes[start:end].tolist())
    owner, codes = owner[new], codes[new]
    counts = np.bincount(owner, minlength=len(sums))
    rank = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
    stays = rank >= counts[owner] - RECENT
    owner, rank = owner[stays], rank[stays]
    recent[owner, (turn[owner] + rank) % RECENT] = codes[stays]
    sums["students"] += counts.astype(np.int32)
    after = turn + counts
    sums["turn"] = np.where(after < RECENT, after, RECENT + after % RECENT)


def _repeats(recent: Array, turn: Array, owner: Indices, codes: Array) -> tuple[Array, Array]:
    """Which items are answered by one of their recent students, and which by a student twice, as masks."""
    answered = np.sort(owner << _CODE_BITS | codes)
    in_use = np.flatnonzero(turn[:, np.newaxis] > _SLOTS)
    recent_ones = (in_use // RECENT) << _CODE_BITS | recent.ravel()[in_use]
    at = np.minimum(np.searchsorted(answered, recent_ones), len(answered) - 1)
    came_before, repeats = np.zeros(len(turn), bool), np.zeros(len(turn), bool)
    came_before[recent_ones[answered[at] == recent_ones] >> _CODE_BITS] = True
    repeats[answered[1:][answered[1:] == answered[:-1]] >> _CODE_BITS] = True
    return came_before, repeats


def _new_in_turn(oldest_first: Iterable[int], codes: Iterable[int]) -> list[bool]:
    """Which of these students of one item are new, one after the other."""
    recent = deque(oldest_first, RECENT)
    new = []
    for code in codes:
        is_new = code not in recent
        new.append(is_new)
        if is_new:
            recent.append(code)
    return new
