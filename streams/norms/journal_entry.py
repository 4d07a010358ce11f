"""What some rows answered first, as one entry of a partition's journal."""

from collections.abc import Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from streams.norms.first_answers import NamedItem
from streams.norms.journal_keys import PAGES
from streams.norms.layout import FIRST_ANSWER
from streams.rows.layout import Array


class JournalEntry(NamedTuple):
    """`answers` (FIRST_ANSWER) in their order, the records' time, and those items and courses that are new."""

    time_s: int
    answers: Array
    named: Sequence[NamedItem] = ()

    @classmethod
    def joined(cls, entries: "Sequence[JournalEntry]") -> Self:
        """All of these as one; its time is the first one's."""
        answers = [each.answers for each in entries]
        return cls(entries[0].time_s, np.concatenate(answers), [item for each in entries for item in each.named])

    def of_pages(self, pages: Array) -> Self:
        """What it says of items whose page is among these, a mask."""
        answers = self.answers[pages[self.answers["item"] % PAGES]]
        return self._replace(answers=answers, named=[each for each in self.named if pages[each.item % PAGES]])


NOTHING_ANSWERED: Final = JournalEntry(0, np.empty(0, FIRST_ANSWER))
