"""Norms made by hand: snapshots of which only what matters to a test is given."""

from collections.abc import Mapping, Sequence
from typing import Any, Final
from zlib import crc32

import numpy as np

from streams.norms.cohorts import cohort
from streams.norms.layout import item_code
from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, ITEM
from streams.norms.snapshot import CoveredOffset, Excess, NormSnapshot
from streams.rows.layout import Array

APP_ID: Final = "skillstream"
EVERY_US: Final = 86_400_000_000
Fields = Mapping[str, Any]
"""Fields of a record by name; what is left out is 0, and `students` are 10."""


def snapshot_of(
    items: Mapping[str, Fields] | None = None,
    components: Mapping[str, Fields] | None = None,
    cohorts: Mapping[str, Fields] | None = None,
    *,
    number: int = 1,
    previous: str = "",
    app_id: str = APP_ID,
    clock_us: int = EVERY_US,
    offsets: Sequence[tuple[int, int, int]] = ((0, 0, 0),),
    aliases: Mapping[str, str] | None = None,
) -> NormSnapshot:
    """A snapshot of norms by name, that of a cohort with its kind: `course:AAA-2013J`.

    snapshot_of(items={"i1": {"answers": 20, "wins": 12}}, cohorts={"course:c": {"students": 30}})
    """
    return NormSnapshot(
        number,
        previous,
        app_id,
        len(offsets),
        clock_us,
        EVERY_US,
        tuple(CoveredOffset(*each) for each in offsets),
        tuple(sorted((aliases or {}).items())),
        Excess(),
        _records(ITEM, {item_code(name): (name, fields) for name, fields in (items or {}).items()}),
        _records(COMPONENT_TOTALS, {crc32(name.encode()): (name, of) for name, of in (components or {}).items()}),
        _records(COHORT_TOTALS, {cohort(*name.split(":", 1)).code: (name, of) for name, of in (cohorts or {}).items()}),
    )


def _records(kind: "np.dtype[Any]", named: Mapping[int, tuple[str, Fields]]) -> Array:
    records = np.zeros(len(named), kind)
    for record, code in zip(records, sorted(named), strict=True):
        name, given = named[code]
        record["code"], record["name"], record["students"] = code, name.encode(), 10
        for field, value in given.items():
            record[field] = value
    return records
