"""A body's bytes, as they come, to its items: one a line. Pure."""

from collections.abc import Iterator


class ItemSplitter:
    """Holds no more than one item, of at most `most_bytes`; of a longer one, only the size."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._begun = bytearray()
        self._size = 0

    def feed(self, some: bytes) -> Iterator[bytes | int]:
        """The items that end in these bytes, or their sizes."""
        first, *others = some.split(b"\n")
        self._add(first)
        for other in others:
            yield from self.end()
            self._add(other)

    def end(self) -> Iterator[bytes | int]:
        """The item that was begun, if it is one: of nothing but white space, none is."""
        item, size = bytes(self._begun).strip(), self._size
        self._begun.clear()
        self._size = 0
        if size > self._most_bytes:
            yield size
        elif item:
            yield item

    def _add(self, some: bytes) -> None:
        self._size += len(some)
        if self._size <= self._most_bytes:
            self._begun += some
        else:
            self._begun.clear()
