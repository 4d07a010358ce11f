"""A record batch that nobody can unpack, in the place of its records' values."""

from schemas.errors import InvalidInput


class UnreadableBatch(bytes):
    """The batch as the broker has it; `why` says which it is and what is wrong.

    A type of its own, not a header or a prefix: no producer can send one.
    """

    why: str

    def __new__(cls, batch: bytes, why: str) -> "UnreadableBatch":
        unreadable = super().__new__(cls, batch)
        unreadable.why = why
        return unreadable


def require_unpacked(value: bytes) -> None:
    """Return where `value` is a record's own. Raises InvalidInput (unreadable_batch) where it stands for a batch."""
    if type(value) is UnreadableBatch:
        raise InvalidInput("unreadable_batch", value.why)
