"""Whether `skill-catalogue` has an entry for each update."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import msgspec

from schemas.catalogue import read_entry
from schemas.dialects import Record
from streams.verification.audit import Difference
from streams.verification.published import PublishedUpdate


@dataclass
class Naming:
    """Who names a `config_version`: the first student, the partition, and how many do."""

    student: str
    partition: int
    students: int = 0


@dataclass
class CatalogueCheck:
    """Notes what updates name, then looks for it. Updates of a former version said all by themselves."""

    named: dict[str, Naming] = field(default_factory=dict)

    def note(self, student: bytes, partition: int, published: PublishedUpdate) -> None:
        """A student's last update."""
        if published.is_catalogued:
            first = Naming(student.decode("utf-8", "replace"), partition)
            self.named.setdefault(published.config_version, first).students += 1

    def missing(self, records: Iterable[Record]) -> Iterator[Difference]:
        """A difference for each `config_version` of which the topic's `records` hold no entry that can be read."""
        newest = {record.key: record for record in records}
        there = {key for key, record in newest.items() if key is not None and _is_entry(key, record.value)}
        for config_version, naming in self.named.items():
            if config_version.encode() not in there:
                what = f"skill-catalogue has no entry of {config_version}, which the last updates of {naming.students} "
                what += "student names" if naming.students == 1 else "students name"
                yield Difference("update", naming.student, naming.partition, -1, what)


def _is_entry(key: bytes, value: bytes | None) -> bool:
    try:
        return value is not None and read_entry(value).config_version.encode() == key
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
