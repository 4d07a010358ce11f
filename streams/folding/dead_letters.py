"""The dead letters of a batch: one a bad record, or one a bad part of a record that has several."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from schemas.dead_letter import MAX_RUNS_A_DEAD_LETTER, DeadLetter
from schemas.dialects import Invalid, Record
from schemas.parts import named, runs
from streams.folding.counts import Counts

MAX_DEAD_LETTERS_A_RECORD: Final = 16


class DeadLetters:
    """Collects them, and counts them in `counts`."""

    def __init__(self, counts: Counts) -> None:
        self._counts = counts
        self._found: list[tuple[Record, DeadLetter]] = []

    def add(self, record: Record, invalid: Sequence[Invalid], *, several: bool) -> None:
        """A dead letter for each bad part of a record that has `several`, but for the last that share a few.

        Each letter holds the whole record: an array of a hundred thousand bad parts must not become as many records.
        """
        if not several:
            self._add(record, invalid[0])
            return
        for first, more, parts in _shares(invalid):
            error = f"{first.error}; and {more} more parts of this record are wrong" if more else first.error
            self._add(record, replace(first, error=error), parts)

    def in_order(self) -> list[tuple[Record, DeadLetter]]:
        """All, by their places in the partition: a replay takes what steps back for a repeat."""
        return sorted(self._found, key=lambda found: (found[1].offset, found[1].index))

    def _add(self, record: Record, invalid: Invalid, parts: str = "") -> None:
        dead_letter = DeadLetter(
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
        self._found.append((record, dead_letter))
        self._counts.dead_letter(invalid.reason)


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
