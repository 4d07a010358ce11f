"""Sums and norms as records: of items, components and cohorts, each by its code; added, found, and cut to a bound.

All numbers are integers, so that sums of equal records are equal in any order. A norm is a record that says, too, since
when it is published; of sums these fields are 0.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from streams.norms.cohorts import SHOWN_BYTES
from streams.norms.measures import MEASURE_BINS, MEASURES
from streams.rows.layout import MAX_FACTS, Array, Indices

SEEN_PERIODS: Final = tuple(2**exponent for exponent in range(7))
"""`seen` says how many students had events in the last so many periods."""
_FIRST: Final[list[Any]] = [("code", "<u8"), ("name", f"S{SHOWN_BYTES}")]
_PUBLISHED: Final[list[Any]] = [("since_us", "<i8"), ("since", "<u4"), ("epoch", "<u4")]
"""Clock and number of the snapshot that published it, and the epoch of its sums."""

ITEM: Final = np.dtype(
    [
        *_FIRST,
        ("score", "<i8"),
        ("squares", "<i8"),
        ("time", "<i8"),
        ("days", "<i8"),
        ("answers", "<u4"),
        ("wins", "<u4"),
        ("scored", "<u4"),
        ("timed", "<u4"),
        ("due", "<u4"),
        ("students", "<u4"),
        ("newest_s", "<u4"),
        ("component", "<u4"),
        ("course_low", "<u4"),
        ("course_high", "<u4"),
        *_PUBLISHED,
    ]
)
"""As `streams.norms.layout.ITEM_SUMS` has them; of no student anything is left."""
COMPONENT_TOTALS: Final = np.dtype(
    [
        *_FIRST,
        ("answers", "<i8"),
        ("wins", "<i8"),
        ("students", "<u4"),
        ("seen", "<u4", (len(SEEN_PERIODS),)),
        *_PUBLISHED,
    ]
)
"""Its `code` is that in rows (`component_code`)."""
COHORT_TOTALS: Final = np.dtype(
    [
        *_FIRST,
        ("answers", "<i8"),
        ("wins", "<i8"),
        ("total", "<i8", (len(MEASURES),)),
        ("squares", "<i8", (len(MEASURES),)),
        ("students", "<u4"),
        ("withdrew", "<u4"),
        ("n", "<u4", (len(MEASURES),)),
        ("bins", "<u4", (len(MEASURES), MEASURE_BINS)),
        ("facts", "<u4", (MAX_FACTS,)),
        ("seen", "<u4", (len(SEEN_PERIODS),)),
        ("unused", "<u4"),
        *_PUBLISHED,
    ]
)
"""`n`, `total`, `squares` and `bins` by measure, `facts` how many students have each; who withdrew is only counted as
such. `answers` and `wins` are of knowledge components.
"""
_ONE: Final = np.uint32(1)
_GREATEST: Final = {"newest_s", "component", "course_high", *(field for field, _ in _PUBLISHED)}


def taken(records: Array, at: Array) -> Array:
    """The records at these indices, moved as the bytes that they are: at a quarter of the time."""
    return np.asarray(_whole(records).take(at).view(records.dtype))


def joined_records(tables: Sequence[Array]) -> Array:
    """The records of all tables of a kind, in their order."""
    return np.concatenate(list(map(_whole, tables))).view(tables[0].dtype)


def sum_by_code(records: Array) -> Array:
    """One record for each code, in their order: what is counted is added up."""
    records = taken(records, np.argsort(records["code"], kind="stable"))
    begins = np.flatnonzero(np.diff(records["code"], prepend=records["code"][:1] + np.uint64(1)))
    sums = taken(records, begins)
    if len(begins) == len(records):
        return sums
    for field in records.dtype.names or ():
        if field == "code":
            continue
        values = records[field]
        if field == "name":
            sums[field] = _least_names(values, begins)
        elif field == "course_low":
            sums[field] = np.minimum.reduceat(values - _ONE, begins) + _ONE  # 0, for none, is the greatest meanwhile
        else:
            ufunc = np.maximum if field in _GREATEST else np.add
            sums[field] = ufunc.reduceat(values, begins, axis=0, dtype=values.dtype)
    return sums


def find_codes(records: Array, codes: Array) -> tuple[Indices, Array]:
    """Where each of `codes` is among records in the order of their codes, and whether it is there at all."""
    held = records["code"]
    at = np.minimum(held.searchsorted(codes), max(len(held) - 1, 0))
    return at, held[at] == codes if len(held) else np.zeros(len(codes), np.bool_)


def records_of(records: Array, codes: Array) -> Array:
    """The record of each of `codes`; one of no students where there is none."""
    at, found = find_codes(records, codes)
    if not len(records):
        return np.zeros(len(codes), records.dtype)
    of_codes = taken(records, at)
    of_codes[~found] = np.zeros((), records.dtype)
    return of_codes


def largest(records: Array, most: int) -> Array:
    """The `most` records with most students, of equal ones the lesser codes; in the order of codes, as they are."""
    if len(records) <= most:
        return records
    order = np.lexsort((records["code"], -records["students"].astype(np.int64)))
    return taken(records, np.sort(order[:most]))


def _whole(records: Array) -> Array:
    return records.view(f"V{records.dtype.itemsize}")


def _least_names(names: Array, begins: Indices) -> Array:
    """Of each group its first name; where two have one code, the lesser, so that it does not depend on order."""
    first = names[begins]
    sizes = np.diff(begins, append=len(names))
    differs = names != first.repeat(sizes)
    if differs.any():
        for group in np.unique(np.searchsorted(begins, np.flatnonzero(differs), side="right") - 1).tolist():
            first[group] = min(names[begins[group] : begins[group] + sizes[group]].tolist())
    return first
