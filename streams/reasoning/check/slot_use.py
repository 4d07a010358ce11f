"""Whether a claim uses the slots of its facts as these do: a number with its unit, that counts nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from streams.reasoning.request.prompt import AskedFact
from streams.reasoning.request.slots import counted_slots, misplaced_slot

_SAME: Final = {"pieces": "works", "assignments": "works", "attempts": "tries", "learners": "others"}
"""What may be called something else than in the skills file."""


def slot_faults(text: str, values: Mapping[str, str], cited: Sequence[AskedFact]) -> Iterator[str]:
    """What is wrong with the slots of a claim, all of which have `values`."""
    if (slot := _counting(text, cited)) is not None:
        yield f"uses {{{slot}}} as the number of something else"
    elif (slot := misplaced_slot(text, values)) is not None:
        yield f"has {{{slot}}} where what fills it does not fit"


def _counting(text: str, cited: Sequence[AskedFact]) -> str | None:
    """A slot that counts something; an indicator's own number does, of what its words say: "3 of 4 tasks"."""
    counted = {fact.id: fact.text for fact in cited if fact.is_indicator}
    for slot, noun in counted_slots(text):
        words = counted.get(slot.partition(".")[0])
        if words is None or not (noun in words or _SAME.get(noun, noun) in words):
            return slot
    return None
