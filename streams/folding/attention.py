"""Which of a batch's texts `student-attention` is told of: those that may disclose harm, when they are first folded.

    new ──folded here for the first time──► told, unless it had been folded before a rebuild
    replayed ──folded before a crash──► told again: nobody knows whether it was
    a repeat, or from before the student was erased ──► not told

That an event is voided later takes nothing back: what was written was written, and a person decides.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import cast

from schemas.attention import AttentionRecord
from schemas.event import Message, Reflection
from streams.folding.routing import RoutedBatch, RoutedEvents
from streams.rows.segments import StoredKey
from streams.texts.disclosure import disclosures_in

_TEXTS = (Message, Reflection)


def attention_of(
    routed: RoutedBatch, disclosures: Sequence[int], first_offset: Callable[[int], int]
) -> list[tuple[int, AttentionRecord]]:
    """The records of a batch, each with its partition: of those of the new events that are `disclosures`, and of all
    that were replayed.

    Records below a partition's `first_offset` had been folded before.
    """
    replayed = routed.replayed
    texts = [index for index, event in enumerate(replayed.events) if isinstance(event, _TEXTS)]
    both = (replayed, texts), (routed.new, disclosures)
    return [each for events, indices in both for each in _records_of(events, indices, routed.keys, first_offset)]


def _records_of(
    events: RoutedEvents, indices: Sequence[int], keys: Sequence[StoredKey], first_offset: Callable[[int], int]
) -> Iterator[tuple[int, AttentionRecord]]:
    for index in indices:
        partition, _ = keys[events.row_index[index]]
        if events.offset[index] < first_offset(partition):
            continue
        event = cast(Message | Reflection, events.events[index])
        time_us = min(round(event.time.timestamp() * 1e6), int(events.record_us[index]))
        for reason in disclosures_in(event.text):
            yield partition, AttentionRecord.of(event.student_id, event.event_id, time_us, reason)
