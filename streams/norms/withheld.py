"""What a norm does not say though it is published: numbers that fewer students than LEAST_STUDENTS have part in."""

from typing import Final

from streams.norms.records import COHORT_TOTALS, ITEM
from streams.rows.layout import Array

LEAST_STUDENTS: Final = 10
_OF_ITEMS: Final = {
    "answers": ("answers", "wins"),
    "scored": ("scored", "score", "squares"),
    "timed": ("timed", "time"),
    "due": ("due", "days"),
}
"""By the count that says of how many they are: an item has one first answer of a student."""
_OF_MEASURES: Final = ("total", "squares", "bins", "n")


def withhold(norms: Array) -> None:
    """Set such numbers to 0, in place."""
    if norms.dtype == ITEM:
        for count, fields in _OF_ITEMS.items():
            few = norms[count] < LEAST_STUDENTS
            for field in fields:
                norms[field][few] = 0
    elif norms.dtype == COHORT_TOTALS:
        few = norms["n"] < LEAST_STUDENTS
        for field in _OF_MEASURES:
            norms[field][few] = 0
        for field in ("facts", "withdrew"):
            norms[field][norms[field] < LEAST_STUDENTS] = 0
