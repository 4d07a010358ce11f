"""Item banks made by hand, and rows with counts in them."""

from collections.abc import Mapping
from typing import Final

import msgspec

from schemas.event import Attempt
from streams.mastery.bank import BANK_VERSION, AnswerModel, ComponentEffect, HalfWidths, ItemBank, OutlookModel
from streams.rows.row import Row
from tests.events import event, folded

FRACTIONS: Final = "fractions"
ANGLES: Final = "angles"
WITH_ITEM: Final = AnswerModel(
    intercept=0.2,
    wins=0.5,
    fails=-0.25,
    untouched=-0.1,
    all_wins=0.125,
    all_fails=-0.3,
    components={FRACTIONS: ComponentEffect(-0.4, 0.0625, -0.05), ANGLES: ComponentEffect(0.7, 0.0, 0.0)},
)
BANK: Final = ItemBank(
    version=BANK_VERSION,
    items={"hard": -1.5, "easy": 1.5},
    with_item=WITH_ITEM,
    without_item=msgspec.structs.replace(WITH_ITEM, intercept=0.35),
    outlook=OutlookModel(intercept=0.1, share=0.4, level=0.3, seen=0.2, seen_share=0.5, seen_level=0.25),
    component_intervals=HalfWidths(edges=(3.5,), half_widths=(0.35, 0.25)),
)


def answers(*given: tuple[str, int], student: str = "ada", start: int = 0) -> list[Attempt]:
    """One attempt a minute: its components, joined by +, and whether it is right."""
    found = []
    for minute, (names, right) in enumerate(given, start):
        attempt = event("attempt", student, minute=minute, item_id=f"i{minute}", score=right, kcs=names.split("+"))
        assert isinstance(attempt, Attempt)
        found.append(attempt)
    return found


def row_of(counts: Mapping[str, tuple[int, int]]) -> Row:
    """A row with these wins and fails by component."""
    given = [(name, right) for name, (wins, fails) in counts.items() for right in [1] * wins + [0] * fails]
    return folded(*answers(*given)) if given else Row()
