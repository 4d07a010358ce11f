"""Item sums of one partition that never have more than so many items.

An item is on a page, item % PAGES. Each page has room for the same number of items and knows nothing of the others, so
that pages can be stored and read again one by one. Where a page is full, a new item takes the place of the one with at
most one student whose answer is oldest; where there is none, it is not counted. So whoever sends one id an event
displaces nothing but that. Room is made entry by entry, for the items with most answers first.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from streams.norms.item_sums import ItemSums
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import PAGES
from streams.rows.layout import Array

_FEW_STUDENTS: Final = 1


class BoundedSums:
    """`given_up` counts, by page, how often an item was displaced, or not counted."""

    def __init__(self, most_items: int) -> None:
        """Room for `most_items`, or for one a page."""
        self.sums = ItemSums()
        self.given_up: Array = np.zeros(PAGES, np.int64)
        self._room = max(1, most_items // PAGES)

    def add(self, entries: Sequence[JournalEntry]) -> None:
        """Add what these say, in their order; the outcome is the same if they come in several calls."""
        full = self._without_room(entries)
        if not full.any():
            self.sums.add(entries)
            return
        self.sums.add([each.of_pages(~full) for each in entries])
        own_pages = self.sums.records["item"] % PAGES
        pages: list[int] = np.flatnonzero(full).tolist()
        changed = [self._added(page, self.sums.where(own_pages == page), entries) for page in pages]
        self.sums = self.sums.where(~full[own_pages])
        self.sums.put(changed)

    def _without_room(self, entries: Sequence[JournalEntry]) -> Array:
        """The pages that have not room for all items of these, as a mask."""
        items = np.unique(np.concatenate([each.answers["item"] for each in entries]))
        new = np.bincount(items[~self.sums.find(items)[1]] % PAGES, minlength=PAGES)
        if not new.any():
            return new > 0
        return (new > 0) & (new + np.bincount(self.sums.records["item"] % PAGES, minlength=PAGES) > self._room)

    def _added(self, page: int, sums: ItemSums, entries: Sequence[JournalEntry]) -> ItemSums:
        """The sums of a page with what these say, one after the other."""
        chosen = np.arange(PAGES) == page
        for entry in entries:
            of_page = entry.of_pages(chosen)
            if len(of_page.answers):
                sums, refused = self._with_room(page, sums, of_page.answers["item"])
                counted = ~np.isin(of_page.answers["item"], refused)
                sums.add([of_page._replace(answers=of_page.answers[counted])])
        return sums

    def _with_room(self, page: int, sums: ItemSums, items: Array) -> tuple[ItemSums, Array]:
        """The sums of a page without those that leave for these items, and the items that have no room for all that."""
        items, answers = np.unique(items, return_counts=True)
        at, there = sums.find(items)
        new = items[~there][np.argsort(-answers[~there], kind="stable")]
        over = max(0, len(sums) + len(new) - self._room)
        may_leave = sums.records["students"] <= _FEW_STUDENTS
        may_leave[at[there]] = False
        oldest_first = np.argsort(sums.records["newest_s"], kind="stable")
        leaving = oldest_first[may_leave[oldest_first]][:over]
        refused = new[len(new) - (over - len(leaving)) :]
        self.given_up[page] += len(leaving) + len(refused)
        return sums.where(np.isin(np.arange(len(sums)), leaving, invert=True)), refused
