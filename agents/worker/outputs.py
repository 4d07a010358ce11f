"""What a worker sends: results of the pipeline as records for its topics."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import msgspec

from agents.config.channels import Channels
from agents.delivery.step import Output
from schemas.attention import AttentionRecord
from schemas.dead_letter import DeadLetter
from schemas.dialects import Record, native
from schemas.update import generated_at
from streams.folding.dead_letter_writing import PLAIN_WRITER, DeadLetterWriter
from streams.folding.routing import Repartitioned
from streams.input.signature import Sign
from streams.input.tenancy import ONE_TENANT, Tenancy
from streams.pipeline import PartitionResult
from streams.scoring.updates import rfc3339


@dataclass(frozen=True, slots=True)
class Outputs:
    """Makes the records. `epoch_of` tells a partition's, `now_us` the time; `note_packed` hears of each dead letter
    that was packed.
    """

    channels: Channels
    sign: Sign
    epoch_of: Callable[[int], int]
    now_us: Callable[[], int]
    note_packed: Callable[[], None] = lambda: None
    tenancy: Tenancy = ONE_TENANT
    dead_letter_writer: DeadLetterWriter = PLAIN_WRITER

    def of(self, partition: int, result: PartitionResult) -> list[Output]:
        """All that `result` of `partition` has to say, in the order in which it is to be sent."""
        return [
            *map(self.repartitioned, result.repartitioned),
            *(self.dead_letter(record, dead_letter) for record, dead_letter in result.dead_letters),
            *self.updates(partition, result.updates),
            *(Output(self.channels.history, partition, key, history) for key, history in result.histories.items()),
            *(self.attention(partition, record) for record in result.attention),
        ]

    def updates(self, partition: int, written: Mapping[bytes, bytes]) -> Iterator[Output]:
        """Encoded updates by student's key, generated now."""
        end = _end(self.now_us() // 1_000) if written else b""
        return (Output(self.channels.updates, partition, key, update[:-1] + end) for key, update in written.items())

    def attention(self, partition: int, record: AttentionRecord) -> Output:
        """That a text may disclose harm."""
        value = msgspec.json.encode(record)
        return Output(self.channels.attention, partition, record.student_id.encode(), value)

    def repartitioned(self, event: Repartitioned) -> Output:
        """An event, for the partition that owns it."""
        topic, value = self.channels.activity, native.encode(event.event)
        headers = self.sign(topic, event.partition, event.key, value, (event.origin.header,))
        headers += self.tenancy.vouch(event.event.student_id, event.key, value)
        return Output(topic, event.partition, event.key, value, headers, event.timestamp_ms)

    def dead_letter(self, record: Record, dead_letter: DeadLetter) -> Output:
        """What is kept of a record that cannot be read."""
        dead_letter = msgspec.structs.replace(dead_letter, epoch=self.epoch_of(record.partition))
        written = self.dead_letter_writer.write(dead_letter, record)
        if written.is_packed:
            self.note_packed()
        return Output(self.channels.dead_letters, record.partition, written.key, written.value, written.headers)


@lru_cache(maxsize=1)
def _end(time_ms: int) -> bytes:
    """Of updates that are generated then; those of all partitions of a step mostly are in one millisecond."""
    return generated_at(rfc3339(time_ms * 1_000))
