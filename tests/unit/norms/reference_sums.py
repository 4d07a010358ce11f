"""Item sums by a loop over plain Python, one answer after the other."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from streams.norms.item_sums import ItemSums
from streams.norms.journal_entry import JournalEntry
from streams.norms.layout import FIRST_ANSWER, unpack_answers

FIELDS = ("answers", "wins", "scored", "timed", "due", "score", "squares", "time", "days", "students", "newest_s")


@dataclass
class Sums:
    """Of one item; `recent` are the last nine students who were new."""

    totals: dict[str, int] = field(default_factory=lambda: dict.fromkeys(FIELDS, 0))
    recent: deque[int] = field(default_factory=lambda: deque(maxlen=9))
    steps: list[int] = field(default_factory=list)


def reference_of(entries: Iterable[JournalEntry]) -> dict[int, Sums]:
    """The sums of all answers, by item."""
    sums: dict[int, Sums] = {}
    for entry in entries:
        for answer in entry.answers:
            _add(sums.setdefault(int(answer["item"]), Sums()), answer, entry.time_s)
    return sums


def as_plain(sums: ItemSums) -> dict[int, dict[str, int]]:
    """The same of sums in arrays."""
    return {int(record["item"]): {name: int(record[name]) for name in FIELDS} for record in sums.records}


def totals_of(reference: dict[int, Sums]) -> dict[int, dict[str, int]]:
    """What `as_plain` gives where the sums are right."""
    return {item: sums.totals for item, sums in reference.items()}


def answers(*said: tuple[int, int, int, int]) -> np.ndarray:
    """First answers: (item, packed answer, student, sign) each."""
    return np.array([(*each, 0) for each in said], FIRST_ANSWER)


def _add(sums: Sums, answer: np.void, time_s: int) -> None:
    said, sign = unpack_answers(np.array([answer["answer"]], np.uint32)), int(answer["sign"])
    [score, has_score, time, has_time, days, has_days, kind] = (int(each[0]) for each in said)
    changes = {
        "answers": kind > 0,
        "wins": kind == 2,
        "scored": has_score,
        "timed": has_time,
        "due": has_days,
        "score": score,
        "squares": score * score,
        "time": time,
        "days": days,
    }
    for name, change in changes.items():
        sums.totals[name] += sign * change
    sums.totals["newest_s"] = max(sums.totals["newest_s"], time_s)
    if sign < 0:
        sums.totals["students"] -= 1
    elif (student := int(answer["student"])) not in sums.recent:
        sums.recent.append(student)
        sums.steps.append(student)
        sums.totals["students"] += 1
