"""Records of a changelog, for tests of stores."""

from dataclasses import dataclass

from agents.stores import Store


@dataclass(frozen=True, slots=True)
class Logged:
    """A record of the changelog, as it is read."""

    offset: int
    key: bytes
    value: bytes | None


def logged(first: int, *changes: tuple[bytes, bytes | None]) -> list[Logged]:
    """`changes`, from offset `first` on."""
    return [Logged(first + place, key, row) for place, (key, row) in enumerate(changes)]


def write(store: Store, partition: int, first: int, *changes: tuple[bytes, bytes | None]) -> None:
    """Stage and confirm, as an owner does."""
    records = logged(first, *changes)
    store.confirm(partition, store.stage(partition, dict(changes)), records, first, records[-1].offset)
