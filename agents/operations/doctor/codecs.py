"""Compression: record batches of every codec can be packed and unpacked here, by both libraries that read Kafka.

Producers choose the codec, and so may a topic or the broker: a worker must know all of them, whatever it uses itself.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from aiokafka.producer.message_accumulator import BatchBuilder
from aiokafka.record.memory_records import MemoryRecords
from confluent_kafka import KafkaException, Producer

from agents.kafka.connection import CODECS, Compression
from agents.operations.doctor.finding import Finding, ok, problem

_VALUE: Final = b"compressible " * 20
_ROOM_BYTES: Final = 16 * 1024

Try = Callable[[Compression], str | None]
"""What is wrong with a codec, None where it works."""


def try_aiokafka(codec: Compression) -> str | None:
    """Packs and unpacks a batch as the worker does."""
    try:
        builder = BatchBuilder(_ROOM_BYTES, CODECS.index(codec))
        builder.append(timestamp=0, key=None, value=_VALUE)
        found = [bytes(record.value) for record in MemoryRecords(bytes(builder._build())).next_batch()]
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None if found == [_VALUE] else "what was packed is not what is unpacked"


def try_librdkafka(codec: Compression) -> str | None:
    """Asks the library: it takes no codec that it was built without."""
    try:
        Producer({"compression.type": codec, "log_level": 0})
    except KafkaException as error:
        return str(error.args[0].str())
    return None


@dataclass(frozen=True, slots=True)
class Codecs:
    """Implements Check. `tries` by the package that holds the library, and what it is for."""

    tries: Mapping[tuple[str, str], Try] = field(
        default_factory=lambda: {
            ("cramjam", "a worker ends at the first record that is compressed so"): try_aiokafka,
            ("confluent-kafka", "verify, rebuild and the dead letters' commands cannot read it"): try_librdkafka,
        }
    )
    name: str = "compression"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Asks nobody."""
        wrong = [
            problem(f"{codec} does not work here ({said}): {harm}", f"install {package} again")
            for (package, harm), attempt in self.tries.items()
            for codec in CODECS
            if (said := attempt(codec)) is not None
        ]
        yield from wrong
        if not wrong:
            yield ok(f"{', '.join(CODECS)}: each is packed and unpacked")
