"""The dead letters of a batch: one a bad record, or one a bad part of a record that has several."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from schemas.dead_letter import MAX_RUNS_A_DEAD_LETTER, DeadLetter
from schemas.dialects import Invalid, Record
from schemas.parts import named, runs

MAX_DEAD_LETTERS_A_RECORD: Final = 16


DeadRecord = tuple[Record, DeadLetter]
"""A record of which something cannot be read, and the dead letter about it."""


def dead_letters_of(record: Record, invalid: Sequence[Invalid], *, several: bool) -> Iterator[DeadLetter]:
    """A dead letter for each bad part of a record that has `several`; the last parts share a few.

    Each dead letter holds the whole record: an array of a hundred thousand bad parts must not become as many records.
    """
    if not several:
        yield dead_letter_of(record, invalid[0])
        return
    for first, more, parts in _shares(invalid):
        error = f"{first.error}; and {more} more parts of this record are wrong" if more else first.error
        yield dead_letter_of(record, replace(first, error=error), parts)


def in_order(found: Iterable[DeadRecord]) -> list[DeadRecord]:
    """All, by their partitions and their places there: a replay takes what steps back for a repeat."""
    return sorted(found, key=lambda each: (each[1].partition, each[1].offset, each[1].index))


def dead_letter_of(record: Record, invalid: Invalid, parts: str = "") -> DeadLetter:
    """About one bad part of a record, or about several whose names are `parts`."""
    return DeadLetter(
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        timestamp=record.timestamp,
        index=invalid.index,
        reason=invalid.reason,
        error=invalid.error,
        schema_guess=invalid.schema_guess,
        parts=parts,
    )


def _shares(invalid: Sequence[Invalid]) -> Iterator[tuple[Invalid, int, str]]:
    """Which bad parts share a dead letter: the first of them, how many more there are, and the names of all."""
    separate = MAX_DEAD_LETTERS_A_RECORD - 1
    rest = runs(one.index for one in invalid[separate:])
    together = (rest[start : start + MAX_RUNS_A_DEAD_LETTER] for start in range(0, len(rest), MAX_RUNS_A_DEAD_LETTER))
    start = 0
    for share in (*(runs([one.index]) for one in invalid[:separate]), *together):
        count = sum(last - first + 1 for first, last in share)
        yield invalid[start], count - 1, named(share)
        start += count
