"""Gives each record its key, its partition and the header by which it proves its tenant, as every producer has to."""

from collections.abc import Iterable, Iterator

from agents.config.tenants import Tenant
from agents.gateway.batches import KeyedValue
from agents.gateway.sending import PlacedRecord
from streams.input.partitioner import PartitionerName, crc32, partitioner


class RecordPlacement:
    """On a topic of so many `partitions`. Where placement is `unchecked`, murmur2 keeps a student's events together."""

    def __init__(self, name: PartitionerName, partitions: int) -> None:
        self._partitioner = partitioner("murmur2" if name == "unchecked" else name)
        self._partitions = partitions

    def placed(self, records: Iterable[KeyedValue], tenant: Tenant) -> Iterator[PlacedRecord]:
        """What is nobody's is spread by what it says."""
        for student, value in records:
            key = None if student is None else student.encode()
            partition = (
                crc32(value) % self._partitions
                if key is None
                else self._partitioner.owning_partition(key, self._partitions) or 0
            )
            yield PlacedRecord(partition, key, value, tenant.sign(key, value))
