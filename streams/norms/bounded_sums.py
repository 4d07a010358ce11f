"""Item sums of one partition that never have more than so many items.

An item is on a page, item % PAGES. Each page has room for the same number of items and knows nothing of the others, so
that pages can be stored and read again one by one. Where a page is full, a new item takes the place of the one with at
most one student whose answer is oldest; where there is none, it is not counted. So whoever sends one id an event
displaces nothing but that. Of the items that are new at once those with most answers go first.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Self

import numpy as np

from streams.norms.item_sums import ItemSums
from streams.norms.journal_entry import JournalEntry
from streams.norms.journal_keys import PAGES
from streams.rows.layout import Array

MAX_ITEMS: Final = 1_000_000
"""More there is never room for, so that a page is one record of the changelog."""
_FEW_STUDENTS: Final = 1


class BoundedSums:
    """`given_up` counts, by page, how often an item was displaced, or not counted."""

    def __init__(self, most_items: int) -> None:
        """Room for `most_items`, but for one a page and for MAX_ITEMS at most."""
        self.sums = ItemSums()
        self.given_up: Array = np.zeros(PAGES, np.int64)
        self._room = max(1, min(most_items, MAX_ITEMS) // PAGES)

    def copy(self) -> Self:
        """The sums as they are now."""
        other = type(self)(self._room * PAGES)
        other.sums, other.given_up = self.sums.copy(), self.given_up.copy()
        return other

    def page(self, page: int) -> ItemSums:
        """A copy of the sums of a page."""
        return self.sums.where(self.sums.items % PAGES == page)

    def put(self, pages: Mapping[int, ItemSums], given_up: Mapping[int, int]) -> None:
        """Take over pages that are stored, none of which is there yet."""
        self.sums.put(list(pages.values()))
        self.given_up[list(given_up)] = list(given_up.values())

    def add(self, entries: Sequence[JournalEntry]) -> None:
        """Add what these say, in their order; room is made for all of them at once."""
        items, answers = np.unique(np.concatenate([each.answers["item"] for each in entries]), return_counts=True)
        at, there = self.sums.find(items)
        new = items[~there]
        counts = _by_page(new)
        over = np.where(counts, np.maximum(0, _by_page(self.sums.items) + counts - self._room), 0)
        if over.any():
            stays = np.zeros(len(self.sums), bool)
            stays[at[there]] = True
            leaving = self._leaving(stays, over)
            fewest_first = new[np.lexsort((-new.astype(np.int64), answers[~there]))]
            refused = _first_of_pages(fewest_first, over - _by_page(self.sums.items[leaving]))
            self.given_up += _by_page(self.sums.items[leaving]) + _by_page(refused)
            self.sums = self.sums.where(~leaving)
            entries = [each.without(refused) for each in entries]
        self.sums.add(entries)

    def _leaving(self, stays: Array, counts: Array) -> Array:
        """On each page so many items with few students, if there are, whose answers are oldest; as a mask."""
        may_leave = ~stays & (self.sums.records["students"] <= _FEW_STUDENTS) & (counts > 0)[self.sums.items % PAGES]
        newest_s = self.sums.records["newest_s"][may_leave]
        oldest_first = self.sums.items[may_leave][np.argsort(newest_s, kind="stable")]
        leaving: Array = np.isin(self.sums.items, _first_of_pages(oldest_first, counts))
        return leaving


def _by_page(items: Array) -> Array:
    """How many of these are on each page."""
    return np.bincount(items % PAGES, minlength=PAGES)


def _first_of_pages(items: Array, counts: Array) -> Array:
    """Of each page the first so many of these items."""
    by_page = items[np.argsort(items % PAGES, kind="stable")]
    own = _by_page(items)
    rank = np.arange(len(items)) - np.repeat(np.cumsum(own) - own, own)
    first: Array = by_page[rank < counts[by_page % PAGES]]
    return first
