"""What some rows answered first, as one entry of a partition's journal."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from streams.norms.first_answers import NamedItem
from streams.norms.journal_keys import PAGES
from streams.rows.layout import Array


class JournalEntry(NamedTuple):
    """`answers` (FIRST_ANSWER) in their order, the records' time, and those items and courses that are new."""

    time_s: int
    answers: Array
    named: Sequence[NamedItem] = ()

    def of_pages(self, pages: Array) -> Self:
        """What it says of items whose page is among these, a mask."""
        answers = self.answers[pages[self.answers["item"] % PAGES]]
        return self._replace(answers=answers, named=[each for each in self.named if pages[each.item % PAGES]])

    def without(self, items: Array) -> Self:
        """What it says of other items than these."""
        return self._replace(answers=self.answers[~np.isin(self.answers["item"], items)])
