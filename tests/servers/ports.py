"""Free loopback ports for servers that keep theirs over a restart."""

import random
import socket

# Below the range that operating systems hand to outgoing connections (32768 and up on Linux, 49152 on macOS):
# while a server is down between kill and restart, no client's connection can land on its port.
_PORTS = range(18_000, 32_000)
_TRIES = 200


def free_ports(count: int) -> list[int]:
    """`count` distinct ports that nothing is bound to now; someone may still take one before it is used."""
    rng = random.SystemRandom()
    found: list[int] = []
    for port in rng.sample(_PORTS, _TRIES):
        if _is_free(port):
            found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"fewer than {count} of {_TRIES} ports tried in {_PORTS.start}-{_PORTS.stop - 1} are free")


def accepts(port: int) -> bool:
    """Whether something listens on the loopback port."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
