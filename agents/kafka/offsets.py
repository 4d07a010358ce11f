"""Where partitions begin and end, and what a group has committed, as the broker reports it.

Workers read committed transactions only. So a partition's end here is its last stable offset. What follows it, up to
the high watermark, waits for an open transaction: it can't be read yet, whoever wrote it. Blocks.

Committed offsets are never asked for by the admin client: a mock cluster answers it nothing, and on a broker that has
just started, whose group coordinator is still loading, it ends the process with a segmentation fault (confluent-kafka
2.16.1).
"""

from collections.abc import Collection, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import Consumer, IsolationLevel, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._listoffsets import ListOffsetsResultInfo, OffsetSpec

SourcePartition = tuple[str, int]
"""Topic and partition."""

_START: Final[OffsetSpec] = OffsetSpec.earliest()  # type: ignore[no-untyped-call]
_END: Final[OffsetSpec] = OffsetSpec.latest()  # type: ignore[no-untyped-call]
_Asked = dict[TopicPartition, "Future[ListOffsetsResultInfo]"]


@dataclass(frozen=True, slots=True)
class Offsets:
    """A partition, as the broker has it; `committed` is None where the group never committed.

    `high` is the high watermark, None where it is not reported. It moves by itself: comparisons leave it out.
    """

    start: int
    end: int
    committed: int | None
    high: int | None = field(default=None, compare=False)

    @property
    def next_offset(self) -> int:
        """Where the group reads on: what retention took away cannot be read any more."""
        return self.start if self.committed is None else max(self.committed, self.start)

    @property
    def lag_records(self) -> int:
        """Below 0 when more was committed than there is: the topic is not the one that was read."""
        return self.end - self.next_offset

    @property
    def held_records(self) -> int:
        """Records that wait for an open transaction: from the last stable offset to the high watermark."""
        return 0 if self.high is None else max(0, self.high - self.end)


def offsets_of(
    admin: AdminClient, consumer: Consumer, parts: Sequence[SourcePartition], timeout_s: float
) -> dict[SourcePartition, Offsets]:
    """Those of `parts` that the broker reports. Raises KafkaException or TimeoutError where it reports none.

    What is committed is asked for first, and ends after it: so a lag is never less than it was.
    """
    committed = committed_offsets(consumer, parts, timeout_s)
    asked = [_list(admin, parts, spec, timeout_s) for spec in (_START, _END)]
    asked.append(_list(admin, parts, _END, timeout_s, IsolationLevel.READ_UNCOMMITTED))
    starts, ends, highs = (_answered(each, timeout_s) for each in asked)
    answered_for = starts.keys() & ends.keys() & committed.keys()
    return {part: Offsets(starts[part], ends[part], committed[part], highs.get(part)) for part in answered_for}


def end_offsets(admin: AdminClient, parts: Sequence[SourcePartition], timeout_s: float) -> dict[SourcePartition, int]:
    """Where those of `parts` end that the broker reports, open transactions included.

    Raises KafkaException or TimeoutError where it reports none.
    """
    return _answered(_list(admin, parts, _END, timeout_s, IsolationLevel.READ_UNCOMMITTED), timeout_s)


def committed_offsets(
    consumer: Consumer, parts: Collection[SourcePartition], timeout_s: float, *, all_of_them: bool = False
) -> dict[SourcePartition, int | None]:
    """What the consumer's group has committed of those of `parts` that the broker reports.

    Raises KafkaException where it reports none, or one is missing of `all_of_them`.
    """
    answered = consumer.committed([TopicPartition(*part) for part in parts], timeout_s)
    answered_for = [topic_partition for topic_partition in answered if topic_partition.error is None]
    if answered and (not answered_for or (all_of_them and len(answered_for) < len(answered))):
        raise KafkaException(
            next(topic_partition.error for topic_partition in answered if topic_partition.error is not None)
        )
    return {
        (topic_partition.topic, topic_partition.partition): topic_partition.offset
        if topic_partition.offset >= 0
        else None
        for topic_partition in answered_for
    }


def _list(
    admin: AdminClient,
    parts: Collection[SourcePartition],
    spec: OffsetSpec,
    timeout_s: float,
    isolation: IsolationLevel = IsolationLevel.READ_COMMITTED,
) -> _Asked:
    topic_partitions = {TopicPartition(*part): spec for part in parts}
    return admin.list_offsets(topic_partitions, isolation_level=isolation, request_timeout=timeout_s)


def _answered(asked: _Asked, timeout_s: float) -> dict[SourcePartition, int]:
    """What was answered. A client whose leaders have moved says -1001, which is no offset, and no error."""
    offsets: dict[SourcePartition, int] = {}
    problem: Exception = KafkaException(KafkaError(KafkaError._NO_OFFSET))
    for topic_partition, answer in asked.items():
        try:
            offset = answer.result(timeout_s).offset
            if offset >= 0:
                offsets[topic_partition.topic, topic_partition.partition] = offset
        except (KafkaException, TimeoutError) as error:
            problem = error
    if asked and not offsets:
        raise problem
    return offsets
