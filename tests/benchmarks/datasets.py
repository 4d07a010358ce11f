"""The events that all contestants read: simulated once, kept in `build/bench/`, produced once into a topic.

A topic has four partitions, and every student's events are on the one that murmur2 gives the id, as Kafka's own
clients would place them. Event ids are unique, times rise, nothing is broken.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import msgspec
from confluent_kafka import Producer

from agents.kafka.topics import TopicSpec, ensure_topics
from schemas import event as e
from schemas.dialects import native
from streams import simulation
from streams.input.partitioner import partitioner
from streams.simulation import SimulatedRecord, simulate

ROOT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = ROOT / "build" / "bench"
PARTITIONS: Final = 4
_WORDS: Final = 40
_ONE_TEXT_IN: Final = 10
_ATTEMPT: Final = b'{"type":"attempt"'
_DRAWN: Final = 1.25  # of the events simulated, 12 % are texts and may be left out
_FLUSH_S: Final = 120.0
_owning_partition = partitioner("murmur2").owning_partition


@dataclass(frozen=True, slots=True)
class DataSet:
    """Events of so many students; `texts`: one in ten is a message of 40 words, else there are none; `components`: each
    attempt asks for two of so many knowledge components.
    """

    name: str
    students: int
    texts: bool
    about: str
    components: int = 0

    @property
    def topic(self) -> str:
        """Named so that a worker with this prefix reads it."""
        return f"{self.prefix}student-activity"

    @property
    def prefix(self) -> str:
        """The workers' topic prefix."""
        return f"{self.name}."


PLAIN: Final = DataSet("plain", 2_000, texts=False, about="2,000 students, no text")
MANY: Final = DataSet("many", 200_000, texts=False, about="200,000 students, no text")
TEXT: Final = DataSet("text", 2_000, texts=True, about="2,000 students, one event in ten a 40-word message")
COMPONENTS: Final = DataSet(
    "components", 200_000, texts=False, about="200,000 students, two of 20 components an attempt", components=20
)
DATA_SETS: Final = {data.name: data for data in (PLAIN, MANY, TEXT, COMPONENTS)}


def fill(broker: str, data: DataSet, count: int) -> None:
    """Make the topic and produce `count` events into it; returns when all are confirmed."""
    ensure_topics(broker, [TopicSpec(data.topic, PARTITIONS)])
    produce(broker, data.topic, records(data, count))


def produce(broker: str, topic: str, found: Iterator[SimulatedRecord]) -> int:
    """Send every record to its key's owning partition; how many there were. Raises RuntimeError where some are not
    confirmed.
    """
    producer = Producer(
        {
            "bootstrap.servers": broker,
            "log_level": 0,
            "linger.ms": 20,
            "batch.size": 1 << 20,
            "queue.buffering.max.messages": 200_000,
            "queue.buffering.max.kbytes": 1 << 18,
            "enable.idempotence": True,
        }
    )
    sent = 0
    for record in found:
        while not _queued(producer, topic, record):
            producer.poll(0.05)
        sent += 1
        if sent % 1_000 == 0:
            producer.poll(0)
    if producer.flush(_FLUSH_S):
        raise RuntimeError(f"{topic}: not all of {sent} records were confirmed")
    return sent


def _queued(producer: Producer, topic: str, record: SimulatedRecord) -> bool:
    try:
        producer.produce(topic, record.value, record.key, owning_partition(record.key))
    except BufferError:
        return False
    return True


@cache
def owning_partition(key: bytes) -> int:
    """The partition of a student's events."""
    return _owning_partition(key, PARTITIONS) or 0


def records(data: DataSet, count: int) -> Iterator[SimulatedRecord]:
    """The first `count` events of a data set; simulated when they are not kept yet."""
    path = FOLDER / f"{data.name}-{count}-{_recipe()}.tsv"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        draft = path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.writelines(b"%b\t%b\n" % (record.key, record.value) for record in _simulated(data, count))
        draft.replace(path)
    with path.open("rb") as file:
        for line in file:
            key, _, value = line[:-1].partition(b"\t")
            yield SimulatedRecord(key, value)


def _simulated(data: DataSet, count: int) -> Iterator[SimulatedRecord]:
    said = texts = 0
    words: deque[str] = deque(maxlen=_WORDS)
    for record in simulate(data.students, int(count * _DRAWN) + 100, seed=1, faults=0.0):
        if said == count:
            return
        made: SimulatedRecord | None = record
        if b'"text":' in record.value:
            made = _text(record, words) if data.texts and texts * _ONE_TEXT_IN <= said else None
            texts += made is not None
        elif data.components and record.value.startswith(_ATTEMPT):
            made = _asking(record, data.components, said)
        if made is not None:
            said += 1
            yield made
    if said < count:
        raise RuntimeError(f"{data.name}: only {said} of {count} events were simulated")


def _text(record: SimulatedRecord, words: deque[str]) -> SimulatedRecord | None:
    """A message of 40 words that ends with what was written; None before enough was said."""
    event = native.decode(record.value)
    if not isinstance(event, e.Message):
        return None
    words.extend(event.text.split())
    if len(words) < _WORDS:
        return None
    return SimulatedRecord(record.key, native.encode(msgspec.structs.replace(event, text=" ".join(words))))


def _asking(record: SimulatedRecord, components: int, number: int) -> SimulatedRecord:
    """An attempt at an item that asks for two components, by turns."""
    names = json.dumps([f"kc-{(number + step) % components}" for step in (0, 7)])
    return SimulatedRecord(record.key, record.value[:-1] + f',"kcs":{names}}}'.encode())


@cache
def _recipe() -> str:
    """Changes when events would be made differently: what was kept is then made again."""
    sources = (Path(__file__), Path(simulation.__file__))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:8]
