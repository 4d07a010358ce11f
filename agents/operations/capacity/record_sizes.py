"""Bytes of a student's row and update, between those that were measured."""

from collections.abc import Sequence
from itertools import pairwise
from math import log

from agents.operations.capacity.costs import (
    BATCHES,
    HISTORIES,
    KNOWN_ID_BYTES,
    PACKED_ROW_BYTES,
    PACKED_UPDATE_BYTES,
    ROW_BYTES,
    ROW_IDS,
    STUDENT_MEMORY_BYTES,
)


def student_memory_bytes(events: float, known_ids: int) -> float:
    """A student of so many events in the memory store, with the ids that are kept of them."""
    return _between(HISTORIES, ROW_BYTES, events) + STUDENT_MEMORY_BYTES + _ids_bytes(events, known_ids)


def row_record_bytes(events: float, batch: float, known_ids: int) -> float:
    """A student's records on the changelog, the newest of each, packed with `batch` others."""
    return _packed(PACKED_ROW_BYTES, events, batch) + _ids_bytes(events, known_ids)


def update_record_bytes(events: float, batch: float) -> float:
    """A student's record on skill-updates, packed with `batch` others."""
    return _packed(PACKED_UPDATE_BYTES, events, batch)


def _packed(table: Sequence[Sequence[float]], events: float, batch: float) -> float:
    return _between(HISTORIES, [_between(BATCHES, sizes, batch) for sizes in table], events)


def _between(at: Sequence[float], values: Sequence[float], x: float) -> float:
    """Linear in log x; beyond the ends the value there."""
    if x <= at[0]:
        return values[0]
    for (left, right), (low, high) in zip(pairwise(at), pairwise(values), strict=True):
        if x <= right:
            return low + (high - low) * log(x / left) / log(right / left)
    return values[-1]


def _ids_bytes(events: float, known_ids: int) -> float:
    """Segments of ids beside the row: random numbers, which do not pack."""
    return KNOWN_ID_BYTES * max(0.0, min(events, known_ids) - ROW_IDS)
