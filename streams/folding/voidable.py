"""What voidable events added to a row is kept in it for a while, so that it can be subtracted (see `retraction`).

Kept are the facts, text and rubric values of a student's last voidable events, MAX_VOIDABLE values in all, and of no
event but a part: the last one is kept whole, however many skills its text speaks of.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas.event import NativeEvent
from streams.folding.event_time import Arrival
from streams.folding.facts import FACTS
from streams.folding.known_ids import digest_of
from streams.folding.sums import Entries
from streams.rows.layout import VOIDABLE, chunks
from streams.rows.row import MAX_VOIDABLE, skill_code
from streams.rows.row_batch import Block

FACT_VALUE: Final = 0
TEXT_VALUE: Final = 1
RUBRIC_VALUE: Final = 2


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
    digests = {place: digest_as_int(events[place].event_id) for place in places}
    said["id"] = [digests[place] for place in of_event.tolist()]
    order = np.lexsort((of_event, arrival.line[of_event]))
    lines, count = np.unique(arrival.line[of_event], return_counts=True)
    for line, added in zip(lines.tolist(), chunks(said[order], count), strict=True):
        block.small["voidable"][line] = _last(block.small["voidable"][line] + added)


def digest_as_int(event_id: str) -> int:
    """What a kept value is called by: the digest that a row keeps of its event's id."""
    return int.from_bytes(digest_of(event_id), "little")


def _last(part: bytes) -> bytes:
    """As many of the last values as may be kept."""
    kept = np.frombuffer(part, VOIDABLE)
    return kept[first_kept(kept["id"].tolist()) :].tobytes()


def first_kept(ids: Sequence[int]) -> int:
    """Where the values to keep begin, of values by their events' ids, the newest last."""
    start = len(ids) - MAX_VOIDABLE
    if start <= 0:
        return 0
    while start < len(ids) and ids[start] == ids[start - 1]:
        start += 1
    return start if start < len(ids) else ids.index(ids[-1])
