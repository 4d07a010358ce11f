"""The keys of a partition's journal of norms on the changelog: reserved ones, so no row's."""

from typing import Final

from streams.input.checkpoint import RESERVED

SLOTS: Final = 1024
"""Entry n has slot n % SLOTS."""
PAGES: Final = 64
"""An item's sums are on page item % PAGES."""
_ENTRY: Final = RESERVED + b"\x02j"
_PAGE: Final = RESERVED + b"\x02p"


def entry_key(number: int) -> bytes:
    """Where the entry of this number is."""
    return _ENTRY + (number % SLOTS).to_bytes(2)


def page_key(page: int) -> bytes:
    """Where a page is."""
    return _PAGE + page.to_bytes(1)


JOURNAL_KEYS: Final = (*map(page_key, range(PAGES)), *map(entry_key, range(SLOTS)))


def is_of_journal(key: bytes) -> bool:
    """Whether a key of the changelog is the journal's."""
    return key.startswith((_ENTRY, _PAGE))
