"""How many bytes of requests are held at once, of all connections together: what finds no room is refused, not queued.

A request's share grows as its body comes in and is unpacked, and is given back when it is answered: so bodies that wait
for Kafka count, and a broker that is slow ends in 429 at the door, not in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from agents.gateway.refusal import busy


class ByteRoom:
    """Of one gateway."""

    def __init__(self, capacity_bytes: int) -> None:
        self._capacity_bytes = capacity_bytes
        self.used_bytes = 0

    @contextmanager
    def share(self) -> Iterator["RoomShare"]:
        """What one request holds, until the context ends."""
        share = RoomShare(self)
        try:
            yield share
        finally:
            self.used_bytes -= share.size_bytes

    def take(self, size_bytes: int) -> None:
        """Raises NotTaken (429) where so much is not free."""
        if self.used_bytes + size_bytes > self._capacity_bytes:
            raise busy("too many bytes of requests are under way (SKILLSTREAM_GATEWAY_IN_FLIGHT_MB)")
        self.used_bytes += size_bytes


class RoomShare:
    """Of one request."""

    def __init__(self, room: ByteRoom) -> None:
        self._room = room
        self.size_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Raises NotTaken (429) where so much is not free."""
        self._room.take(size_bytes)
        self.size_bytes += size_bytes
