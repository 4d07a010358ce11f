"""What voidable events added to a row is kept in it for a while, so that it can be subtracted (see `retraction`).

Kept are the facts, text and rubric values of a student's last voidable events, MAX_VOIDABLE values in all, and of no
event but a part: the last one is kept whole, however many skills its text speaks of. Their answers are kept with them,
and don't count: what can be voided does not depend on how many components an item has; nor do first answers to items,
which add to no row, nor the words of lists in their texts, but for how many words there are.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from schemas.event import NativeEvent
from streams.folding.event_time import EventTimes
from streams.folding.known_ids import digest_of
from streams.folding.readings import Said
from streams.folding.sums import Entries
from streams.rows.layout import VOIDABLE, Array, chunks
from streams.rows.row import MAX_VOIDABLE
from streams.rows.row_batch import RowBatch
from streams.vocabulary import FACTS, Fact, skill_code

FACT_VALUE: Final = 0
TEXT_VALUE: Final = 1
RUBRIC_VALUE: Final = 2
ANSWER_VALUE: Final = 3
LANGUAGE_VALUE: Final = 4
"""A fact, too: one that describes a text's language, beside WORDS_READ."""
ITEM_VALUE: Final = 5
"""A first answer: the item's code as the value, what the answer says as the code."""
_UNCOUNTED: Final = (ANSWER_VALUE, LANGUAGE_VALUE, ITEM_VALUE)
_OF_FACTS: Final = np.array(
    [LANGUAGE_VALUE if fact.standing == "language" and fact is not Fact.WORDS_READ else FACT_VALUE for fact in Fact]
)


def keep_voidable(
    row_batch: RowBatch,
    events: Sequence[NativeEvent],
    event_times: EventTimes,
    said: Said,
) -> None:
    """Note in the row batch the values that the voidable ones among the new `events` added."""
    indices = [index for index, event in enumerate(events) if event.voidable]
    if not indices:
        return
    skills = np.array([skill_code(name) for name in row_batch.names], np.uint32)
    pieces, first = [], said.first
    codes: tuple[tuple[int, Entries, Array], ...] = (
        (FACT_VALUE, said.facts, np.arange(len(FACTS))),
        (TEXT_VALUE, said.texts, skills),
        (RUBRIC_VALUE, said.ratings, skills),
        (ANSWER_VALUE, said.answers.entries, said.answers.codes),
        (ITEM_VALUE, Entries(np.arange(len(first.event)), first.codes, first.event), first.packed),
    )
    for what, entries, code in codes:
        chosen = np.isin(entries.event, indices)
        part = np.zeros(int(chosen.sum()), VOIDABLE)
        index, where = entries.event[chosen], entries.where[chosen]
        part["what"], part["value"], part["time_us"] = what, entries.value[chosen], event_times.time_us[index]
        part["code"] = code[where % max(len(code), 1)]
        if what == FACT_VALUE:
            part["what"] = _OF_FACTS[part["code"]]
        pieces.append((index, part))
    of_event = np.concatenate([index for index, _ in pieces])
    values = np.concatenate([part for _, part in pieces])
    digests = {index: digest_as_int(events[index].event_id) for index in indices}
    values["id"] = [digests[index] for index in of_event.tolist()]
    order = np.lexsort((of_event, event_times.row_index[of_event]))
    row_indices, count = np.unique(event_times.row_index[of_event], return_counts=True)
    for row_index, added in zip(row_indices.tolist(), chunks(values[order], count), strict=True):
        row_batch.sections["voidable"][row_index] = _last(row_batch.sections["voidable"][row_index] + added)


def digest_as_int(event_id: str) -> int:
    """What a kept value is called by: the digest that a row keeps of its event's id."""
    return int.from_bytes(digest_of(event_id), "little")


def value_of_fact(fact: int) -> int:
    """What a value is called that adds to this fact."""
    return int(_OF_FACTS[fact])


def counted_ids(voidable: Array) -> list[int]:
    """The events' ids of the values that count, of an array of VOIDABLE."""
    ids: list[int] = voidable["id"][~np.isin(voidable["what"], _UNCOUNTED)].tolist()
    return ids


def without_first_answers(part: bytes) -> bytes:
    """What a row keeps, but for the first answers to items."""
    values = np.frombuffer(part, VOIDABLE)
    others: Array = values[values["what"] != ITEM_VALUE]
    return others.tobytes()


def _last(part: bytes) -> bytes:
    """As many of the last values as may be kept."""
    values = np.frombuffer(part, VOIDABLE)
    return values[first_to_keep(values["id"].tolist(), values["what"].tolist()) :].tobytes()


def first_to_keep(ids: Sequence[int], what: Sequence[int]) -> int:
    """As `first_within_bound`, of values some of which don't count; an event's first one does."""
    counted = [index for index, each in enumerate(what) if each not in _UNCOUNTED]
    start = first_within_bound([ids[index] for index in counted])
    return counted[start] if start else 0


def first_within_bound(ids: Sequence[int]) -> int:
    """Where the values to keep begin, of values by their events' ids, the newest last."""
    start = len(ids) - MAX_VOIDABLE
    if start <= 0:
        return 0
    while start < len(ids) and ids[start] == ids[start - 1]:
        start += 1
    return start if start < len(ids) else ids.index(ids[-1])
