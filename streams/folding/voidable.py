"""What voidable events added to a row is kept in it for a while, so that it can be subtracted (see `retraction`).

Kept are the facts, text and rubric values of a student's last voidable events, MAX_VOIDABLE values in all, and of no
event but a part: the last one is kept whole, however many skills its text speaks of.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas.event import NativeEvent
from streams.folding.event_time import EventTimes
from streams.folding.known_ids import digest_of
from streams.folding.sums import Entries
from streams.rows.layout import VOIDABLE, chunks
from streams.rows.row import MAX_VOIDABLE
from streams.rows.row_batch import RowBatch
from streams.vocabulary import FACTS, skill_code

FACT_VALUE: Final = 0
TEXT_VALUE: Final = 1
RUBRIC_VALUE: Final = 2


def keep_voidable(
    row_batch: RowBatch,
    events: Sequence[NativeEvent],
    event_times: EventTimes,
    facts: Entries,
    texts: Entries,
    ratings: Entries,
) -> None:
    """Note in the row batch the values that the voidable ones among the new `events` added."""
    indices = [index for index, event in enumerate(events) if event.voidable]
    if not indices:
        return
    skills = np.array([skill_code(name) for name in row_batch.names], np.uint32)
    pieces = []
    for what, entries in ((FACT_VALUE, facts), (TEXT_VALUE, texts), (RUBRIC_VALUE, ratings)):
        chosen = np.isin(entries.event, indices)
        part = np.zeros(int(chosen.sum()), VOIDABLE)
        index, where = entries.event[chosen], entries.where[chosen]
        part["what"], part["value"], part["time_us"] = what, entries.value[chosen], event_times.time_us[index]
        part["code"] = where % len(FACTS) if what == FACT_VALUE else skills[where % max(len(skills), 1)]
        pieces.append((index, part))
    of_event = np.concatenate([index for index, _ in pieces])
    said = np.concatenate([part for _, part in pieces])
    digests = {index: digest_as_int(events[index].event_id) for index in indices}
    said["id"] = [digests[index] for index in of_event.tolist()]
    order = np.lexsort((of_event, event_times.row_index[of_event]))
    row_indices, count = np.unique(event_times.row_index[of_event], return_counts=True)
    for row_index, added in zip(row_indices.tolist(), chunks(said[order], count), strict=True):
        row_batch.sections["voidable"][row_index] = _last(row_batch.sections["voidable"][row_index] + added)


def digest_as_int(event_id: str) -> int:
    """What a kept value is called by: the digest that a row keeps of its event's id."""
    return int.from_bytes(digest_of(event_id), "little")


def _last(part: bytes) -> bytes:
    """As many of the last values as may be kept."""
    values = np.frombuffer(part, VOIDABLE)
    return values[first_within_bound(values["id"].tolist()) :].tobytes()


def first_within_bound(ids: Sequence[int]) -> int:
    """Where the values to keep begin, of values by their events' ids, the newest last."""
    start = len(ids) - MAX_VOIDABLE
    if start <= 0:
        return 0
    while start < len(ids) and ids[start] == ids[start - 1]:
        start += 1
    return start if start < len(ids) else ids.index(ids[-1])
