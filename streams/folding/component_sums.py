"""Adds a batch's answers to its students' components, all at once, where no row comes to hold too many.

As `streams.folding.sums`, to the last bit what event by event would give. A row that would have to give a component up
is done event by event (`streams.folding.student_components`): `crowded` says which.
"""

from collections import defaultdict
from typing import Final

import numpy as np

from streams.folding.answers import FAIL, Answers
from streams.rows.components import LEAST_BYTES, ComponentBatch, count_of, with_new, with_records
from streams.rows.layout import COMPONENT, Array, Indices, chunks
from streams.rows.row_batch import Floats, RowBatch

_CODE_BITS: Final = np.uint64(32)
_NUMBERS: Final = COMPONENT.itemsize // 4
_SUMS: Final = COMPONENT.itemsize // 8
_NEWEST: Final = 1  # among a record's numbers of four bytes; wins and fails are the next
_WINS: Final = 2
_RECENT_WINS: Final = 2  # among its numbers of eight bytes; recent fails are the next


def crowded(row_batch: RowBatch, answers: Answers, most: int) -> set[int]:
    """The rows that would hold more than `most` components with these answers, new ones among them."""
    if not answers.names:
        return set()
    row, column = np.divmod(answers.entries.where, len(answers.names))
    sections = row_batch.sections["components"]
    added = np.bincount(row, minlength=len(row_batch))
    rows = np.flatnonzero(added)
    lengths = np.array([len(sections[index]) for index in rows.tolist()], np.intp)
    full = rows[lengths // LEAST_BYTES + added[rows] > most]  # few are, so their components need not be counted
    if not len(full):
        return set()
    held = np.zeros(len(row_batch), np.intp)
    held[full] = [count_of(sections[index]) for index in full.tolist()]
    theirs = np.isin(row, full)
    keys = np.unique(_keys(row[theirs], answers.codes[column[theirs]]))
    _, _, found = _find(row_batch, full, keys)
    new = np.bincount((keys[~found] >> _CODE_BITS).astype(np.intp), minlength=len(row_batch))
    return set(np.flatnonzero((new > 0) & (held + new > most)).tolist())


def add_answers(row_batch: RowBatch, answers: Answers, weight: Floats, time_s: Array) -> None:
    """Add to wins and fails; `weight` and `time_s` are by event."""
    entries = answers.entries
    if not len(entries.where):
        return
    row, column = np.divmod(entries.where, len(answers.names))
    rows = np.flatnonzero(np.bincount(row))
    keys = _keys(row, answers.codes[column])
    stored, at, found = _find(row_batch, rows, keys)
    if not found.all():
        _begin(row_batch, answers, row[~found], column[~found])
        stored, at, found = _find(row_batch, rows, keys)
    failed = entries.value == FAIL
    numbers, sums = stored.records.view("<u4"), stored.records.view("<f8")
    np.add.at(numbers, at * _NUMBERS + _WINS + failed, 1)
    np.add.at(sums, at * _SUMS + _RECENT_WINS + failed, weight[entries.event])
    np.maximum.at(numbers, at * _NUMBERS + _NEWEST, time_s[entries.event].astype(np.uint32))
    sections = row_batch.sections["components"]
    for index, records in zip(rows.tolist(), chunks(stored.records, stored.counts), strict=True):
        sections[index] = with_records(sections[index], records)


def _find(row_batch: RowBatch, rows: Indices, keys: Array) -> tuple[ComponentBatch, Indices, Array]:
    """The components of `rows`, where the records of `keys` are among them, and which of these are there at all."""
    sections = row_batch.sections["components"]
    stored = ComponentBatch.of([sections[index] for index in rows.tolist()])
    there = _keys(rows[stored.owner], stored.records["code"])
    at = np.searchsorted(there, keys)
    found = at < len(there)
    found[found] = there[at[found]] == keys[found]
    return stored, at, found


def _begin(row_batch: RowBatch, answers: Answers, row: Indices, column: Indices) -> None:
    """Give rows their new components, without any answer yet."""
    new: defaultdict[int, list[bytes]] = defaultdict(list)
    for index, each in zip(row.tolist(), column.tolist(), strict=True):
        new[index].append(answers.names[each])
    sections = row_batch.sections["components"]
    for index, names in new.items():
        sections[index] = with_new(sections[index], names)


def _keys(row: Indices, code: Array) -> Array:
    """One number for a row's component, in the order of rows and, within a row, of codes."""
    return row.astype(np.uint64) << _CODE_BITS | code
