"""Whether events are on the partition that the configured partitioner gives: each that is not is repartitioned."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from confluent_kafka import Message

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.reader import read_to_end
from agents.kafka.record import headers_of
from agents.operations.doctor.finding import Finding, ok, warning
from streams.input.origin import ORIGIN_HEADER
from streams.input.partitioner import PartitionerName, partitioner

SAMPLED: Final = 300
_ENOUGH: Final = 0.99
_NAMES: Final[tuple[PartitionerName, ...]] = ("murmur2", "crc32")
_LIBRDKAFKA: Final = "producers on librdkafka (kcat, confluent-kafka) need `partitioner=murmur2_random`"


@dataclass(frozen=True, slots=True)
class Placement:
    """Implements Check, on the newest records of each partition, outside of every group."""

    settings: Settings
    name: str = "partitioner"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises BrokerUnavailable."""
        name = self.settings.partitioner
        if name == "unchecked":
            yield ok("unchecked: an event is on its owning partition wherever it lies")
            return
        records = read_to_end(self.settings.broker, Channels.of(self.settings).activity, last=SAMPLED)
        yield check_placement(name, records, self.settings.partitions)


def check_placement(name: PartitionerName, records: Iterable[Message], partitions: int) -> Finding:
    """What the places of `records` say of their producers. Forwards of ours are left out: they are on its owning
    partition.
    """
    keyed = keyless = 0
    on_owning: Counter[PartitionerName] = Counter()
    for record in records:
        if any(header[0] == ORIGIN_HEADER for header in headers_of(record)):
            continue
        if (key := record.key()) is None:
            keyless += 1
            continue
        keyed += 1
        for each in _NAMES:
            on_owning[each] += partitioner(each).owning_partition(key, partitions) == record.partition()
    if not keyed + keyless:
        return ok(f"{name}; there is no record yet to compare with")
    share = on_owning[name] / (keyed + keyless)
    said = f"{on_owning[name]} of the {keyed + keyless} newest records ({share:.0%}) lie where {name} puts their keys"
    if share >= _ENOUGH:
        return ok(said)
    return warning(f"{said}, the others are forwarded, which costs", _advice(name, on_owning, keyed, keyless))


def _advice(name: PartitionerName, on_owning: Counter[PartitionerName], keyed: int, keyless: int) -> str:
    if keyless > keyed:
        return "let producers key records by the student's id"
    other = next(each for each in _NAMES if each != name)
    if on_owning[other] >= _ENOUGH * keyed:
        mend = f"set SKILLSTREAM_PARTITIONER={other}, which they fit, before the first start; or mend the producers"
        return f"{mend}: {_LIBRDKAFKA}" if name == "murmur2" else mend
    return _LIBRDKAFKA if name == "murmur2" else f"let all producers place keys by {name}"
