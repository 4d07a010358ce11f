"""Taking back: what voidable events added to a row is kept in it for a while, so that it can be subtracted.

Kept are the facts, text and rubric values of a student's last voidable events, MAX_VOIDABLE values in all, and of no
event but a part. What is not undone: the clocks, which failures are open, how controls were varied.
"""

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from schemas.event import NativeEvent
from streams.arrival import Arrival
from streams.block import Block
from streams.facts import FACTS
from streams.known_ids import digest_of
from streams.layout import VOIDABLE, Array, chunks
from streams.row import HALF_LIFE_US, MAX_VOIDABLE, PHRASE, RUBRIC, skill_code
from streams.sums import Entries

FACT_VALUE, TEXT_VALUE, RUBRIC_VALUE = 0, 1, 2
_NOTHING: Final = 1e-12  # what is left of a sum when all was taken from it, by rounding
_CELLS: Final = {TEXT_VALUE: "text", RUBRIC_VALUE: "rubric"}


def keep_voidable(
    block: Block, events: Sequence[NativeEvent], arrival: Arrival, facts: Entries, texts: Entries, ratings: Entries
) -> None:
    """Note in the block what the voidable of the new `events` say."""
    places = [place for place, event in enumerate(events) if event.voidable]
    if not places:
        return
    skills = np.array([skill_code(name) for name in block.names], np.uint32)
    parts = []
    for what, entries in ((FACT_VALUE, facts), (TEXT_VALUE, texts), (RUBRIC_VALUE, ratings)):
        chosen = np.isin(entries.event, places)
        part = np.zeros(int(chosen.sum()), VOIDABLE)
        place, where = entries.event[chosen], entries.where[chosen]
        part["what"], part["value"], part["time_us"] = what, entries.value[chosen], arrival.time_us[place]
        part["code"] = where % len(FACTS) if what == FACT_VALUE else skills[where % max(len(skills), 1)]
        parts.append((place, part))
    of_event = np.concatenate([place for place, _ in parts])
    said = np.concatenate([part for _, part in parts])
    digests = {place: int.from_bytes(digest_of(events[place].event_id), "little") for place in places}
    said["id"] = [digests[place] for place in of_event.tolist()]
    order = np.lexsort((of_event, arrival.line[of_event]))
    lines, count = np.unique(arrival.line[of_event], return_counts=True)
    for line, added in zip(lines.tolist(), chunks(said[order], count), strict=True):
        block.small["voidable"][line] = _last(block.small["voidable"][line] + added)


def take_back(block: Block, line: int, event_id: str) -> bool:
    """Subtract what the event `event_id` added to a line; False where that is not known any more."""
    kept = np.frombuffer(block.small["voidable"][line], VOIDABLE)
    voided = kept["id"] == int.from_bytes(digest_of(event_id), "little")
    if not voided.any():
        return False
    for said in kept[voided]:
        weight = math.exp2((int(said["time_us"]) - int(block.head["reference_us"][line])) / HALF_LIFE_US)
        if said["what"] == FACT_VALUE:
            _subtract_fact(block, line, said, weight)
        else:
            _subtract_from_cell(block, line, said, weight)
    block.small["voidable"][line] = kept[~voided].tobytes()
    return True


def _last(part: bytes) -> bytes:
    """As many of the last values as may be kept, without those whose event is cut off."""
    kept = np.frombuffer(part, VOIDABLE)
    start = max(0, len(kept) - MAX_VOIDABLE)
    while 0 < start < len(kept) and kept["id"][start] == kept["id"][start - 1]:
        start += 1
    return kept[start:].tobytes()


def _subtract_fact(block: Block, line: int, said: Any, weight: float) -> None:
    fact, value = int(said["code"]), float(said["value"])
    facts = block.facts
    facts["n"][line, fact] -= 1
    if facts["n"][line, fact] <= 0:
        for column in facts.values():
            column[line, fact] = 0
    else:
        facts["total"][line, fact] -= value
        facts["squares"][line, fact] = max(0.0, facts["squares"][line, fact] - value * value)
        facts["recent_n"][line, fact] = max(0.0, facts["recent_n"][line, fact] - weight)
        facts["recent_total"][line, fact] -= weight * value
    told = {name: column[line] for name, column in block.told.items()}
    time_s = int(said["time_us"]) // 1_000_000
    _drop(told, (told["code"] == fact) & (told["value"] == value) & (told["time_s"] == time_s))


def _subtract_from_cell(block: Block, line: int, said: Any, weight: float) -> None:
    """A skill that is not configured any more keeps what it has: nothing reads it."""
    columns = [column for column, name in enumerate(block.names) if skill_code(name) == said["code"]]
    for column in columns:
        what = _CELLS[int(said["what"])]
        n, total = block.cells[f"{what}_n"], block.cells[f"{what}_total"]
        left = n[line, column] - weight
        if left <= _NOTHING * weight:
            n[line, column] = total[line, column] = 0.0
        else:
            n[line, column] = left
            total[line, column] -= weight * float(said["value"])
        told = {name: part[line, column : column + 1] for name, part in block.told.items()}
        of_kind = told["code"] == RUBRIC if what == "rubric" else (told["code"] & PHRASE) != 0
        _drop(told, of_kind & (told["time_s"] == int(said["time_us"]) // 1_000_000))


def _drop(told: dict[str, Array], dropped: Array) -> None:
    """Remove telling events, in place, and close the gaps; all arrays have shape (skills, MAX_EVIDENCE)."""
    if not dropped.any():
        return
    order = np.argsort(dropped | (told["weight"] == 0), axis=1, kind="stable")
    for column in told.values():
        column[dropped] = 0
        column[...] = np.take_along_axis(column, order, axis=1)
