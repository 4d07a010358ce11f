"""Did our worker really do it? Its table, as it stands on the changelog, against the events that it was given."""

from functools import cache
from typing import Final

import numpy as np
from confluent_kafka import OFFSET_BEGINNING, Consumer, TopicPartition

from schemas.dialects import native
from streams.folding.facts import facts_of, kinds_of
from streams.input.checkpoint import is_reserved
from streams.rows.codec import decode_row
from tests.benchmarks.broker import Watch
from tests.benchmarks.contestants import Run
from tests.benchmarks.datasets import DATA_SETS, PARTITIONS, records
from tests.benchmarks.process import BenchmarkFailed

_READ_S: Final = 30.0


def check_table(run: Run) -> None:
    """Raise BenchmarkFailed unless every event with facts is folded into its student's row exactly once."""
    folded = sum(decode_row(row).events for row in _table(run).values())
    expected = _with_facts(run.data.name, run.events)
    if folded != expected:
        raise BenchmarkFailed(f"the rows of {run.group} hold {folded} events, and {expected} were to be folded")


@cache
def _with_facts(name: str, count: int) -> int:
    events = [native.decode(record.value) for record in records(DATA_SETS[name], count)]
    return len(np.unique(facts_of(events, kinds_of(events)).event))


def _table(run: Run) -> dict[bytes, bytes]:
    topic = f"{run.group}-students-changelog"
    watch = Watch(run.broker, run.group, topic)
    left = watch.ends(topic)
    watch.close()
    consumer = Consumer({"bootstrap.servers": run.broker, "group.id": f"{run.group}-check", "log_level": 0})
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in range(PARTITIONS)])
    rows: dict[bytes, bytes] = {}
    try:
        while left:
            messages = consumer.consume(min(left, 10_000), _READ_S)
            if not messages:
                raise BenchmarkFailed(f"{topic} ends {left} records early")
            for message in messages:
                # librdkafka's `value` and `key` are None only for what a table of events never holds.
                key = message.key() or b""
                if not is_reserved(key):
                    rows[key] = message.value() or b""
            left -= len(messages)
    finally:
        consumer.close()
    return rows
