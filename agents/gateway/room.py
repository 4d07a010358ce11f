"""How much of requests is under way at once, and how much of that may be one tenant's: what finds no room is refused,
not queued.

A request's share grows as its body comes in and is unpacked, and is given back when it is answered: so bodies that wait
for Kafka count, and a broker that is slow ends in 429 at the door, not in memory.

Where tenants share, none holds more than three times what is free (the dynamic threshold of Choudhury and Hahne, 1998).
One that floods so comes to three quarters, two to three sevenths each, and who comes next finds room at once:

    │ flooding: ¾ ─────────────────────────────────────► │ free: ¼ │      no tenant has to be told of another
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from agents.gateway.refusal import NotTaken, busy

_TIMES_FREE: Final = 3


class Room:
    """So many of one thing. Where it is `shared`, no tenant gets all of it."""

    def __init__(self, capacity: int, *, shared: bool) -> None:
        self._capacity, self._shared = capacity, shared
        self.most = max(1, capacity * _TIMES_FREE // (_TIMES_FREE + 1)) if shared else capacity
        """What a tenant comes to that has it to itself."""
        self.used = 0
        self.held: dict[str, int] = {}
        """By tenant; who holds nothing is not in it."""

    def take(self, tenant: str, amount: int) -> bool:
        """Whether there was so much for this tenant."""
        used, held = self.used + amount, self.held.get(tenant, 0) + amount
        free = self._capacity - used
        if free < 0 or (self._shared and held > max(1, _TIMES_FREE * free)):
            return False
        self.used, self.held[tenant] = used, held
        return True

    def give_back(self, tenant: str, amount: int) -> None:
        """What was taken."""
        self.used -= amount
        left = self.held.get(tenant, 0) - amount
        if left > 0:
            self.held[tenant] = left
        else:
            self.held.pop(tenant, None)


class RequestRoom:
    """Of one gateway, whose producers are so many `tenants`.

    Requests are shared though there be one tenant alone: what it leaves is for who asks whether the gateway lives.
    """

    def __init__(self, requests: int, size_bytes: int, tenants: int) -> None:
        self._requests = Room(requests, shared=True)
        self.size_bytes = Room(size_bytes, shared=tenants > 1)

    @contextmanager
    def share(self, tenant: str) -> Iterator["RoomShare"]:
        """What one request holds, until the context ends. Raises NotTaken (429)."""
        if not self._requests.take(tenant, 1):
            raise busy("too many requests are under way (SKILLSTREAM_GATEWAY_CONNECTIONS)")
        share = RoomShare(self.size_bytes, tenant)
        try:
            yield share
        finally:
            self._requests.give_back(tenant, 1)
            self.size_bytes.give_back(tenant, share.size_bytes)


class RoomShare:
    """Of one request."""

    def __init__(self, room: Room, tenant: str) -> None:
        self._room, self._tenant = room, tenant
        self.size_bytes = 0

    def grow(self, size_bytes: int) -> None:
        """Raises NotTaken: 429 where so much is not free, 413 where it never is."""
        if not self._room.take(self._tenant, size_bytes):
            if self.size_bytes + size_bytes > self._room.most:
                raise NotTaken(413, "too_large", "it takes more room than there is (SKILLSTREAM_GATEWAY_IN_FLIGHT_MB)")
            raise busy("too many bytes of requests are under way (SKILLSTREAM_GATEWAY_IN_FLIGHT_MB)")
        self.size_bytes += size_bytes
