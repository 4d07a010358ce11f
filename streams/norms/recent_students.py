"""Counts the distinct students of items without a list of them.

`recent` has the codes of the last RECENT students who were new to an item; whoever is not among them is new. So any
RECENT + 1 steps of `students` are as many distinct students. Two who share a code only delay the count.

    turn      0 … 8: that slot is next, those before it are in use; 9 … 17: slot turn - 9 is next, all are in use
"""

from typing import Final

import numpy as np

from streams.rows.layout import Array, Indices

RECENT: Final = 9
_SLOTS: Final = np.arange(RECENT)


def note_students(sums: Array, owner: Indices, codes: Array) -> None:
    """Count the students who answered, in their order, in `sums` (ITEM_SUMS, one an item).

    `owner` has the index in `sums` of each answer, and does not fall; `codes` its student.
    """
    if not len(owner):
        return
    at_item = sums["turn"].astype(np.intp)
    new, displaced = _new_ones(sums["recent"], at_item, owner, codes)
    one_by_one = np.unique(owner[displaced])
    if len(one_by_one):
        new &= ~np.isin(owner, one_by_one)
    _enter(sums, at_item, owner[new], codes[new])
    for index in one_by_one.tolist():
        _enter_in_turn(sums[index], codes[owner == index].tolist())


def _new_ones(recent: Array, turn: Array, owner: Indices, codes: Array) -> tuple[Array, Array]:
    """Which answers are of new students, and which are of students who were displaced before by newer ones.

    The first is right for all items that have none of the second.
    """
    matches = (recent[owner] == codes[:, np.newaxis]) & (turn[owner, np.newaxis] > _SLOTS)
    known = matches.any(axis=1)
    _, first, same = np.unique(owner << 16 | codes, return_index=True, return_inverse=True)
    new = np.zeros(len(owner), bool)
    new[first] = True
    new &= ~known
    before = _before(owner, new)
    age = (turn[owner] - 1 - matches.argmax(axis=1)) % RECENT
    entered = np.where(known, -1 - age, before[first][same])
    return new, ~new & (entered < before - RECENT)


def _before(owner: Indices, new: Array) -> Indices:
    """How many new students an item had before each answer."""
    all_before: Indices = np.cumsum(new) - new
    starts = np.flatnonzero(np.diff(owner, prepend=-1))
    at_start: Indices = np.repeat(all_before[starts], np.diff(starts, append=len(owner)))
    return all_before - at_start


def _enter(sums: Array, turn: Array, owner: Indices, codes: Array) -> None:
    """Let new students of distinct codes in, all at once; of many to one item the last RECENT stay."""
    counts = np.bincount(owner, minlength=len(sums))
    rank = np.arange(len(owner)) - (np.cumsum(counts) - counts)[owner]
    stays = rank >= counts[owner] - RECENT
    slots = (turn[owner] + rank) % RECENT
    sums["recent"][owner[stays], slots[stays]] = codes[stays]
    sums["students"] += counts.astype(np.int32)
    after = turn + counts
    sums["turn"] = np.where(after < RECENT, after, RECENT + after % RECENT)


def _enter_in_turn(item: np.void, codes: list[int]) -> None:
    """The same for one item, whose students come again while others push them out."""
    recent, turn = item["recent"].tolist(), int(item["turn"])
    for code in codes:
        if code not in recent[: min(turn, RECENT)]:
            recent[turn % RECENT] = code
            turn = turn + 1 if turn + 1 < 2 * RECENT else RECENT
            item["students"] += 1
    item["recent"], item["turn"] = recent, turn
