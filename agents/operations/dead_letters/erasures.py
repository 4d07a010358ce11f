"""Which students were erased, and when: what a student did before is not sent back."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Self

from agents.kafka.errors import NoSuchTopic
from agents.kafka.reader import TopicReader
from schemas import erasure
from schemas.errors import InvalidInput


class Erasures:
    """By student, the time (ms) of the last request to erase. Memory: one entry an erased student."""

    def __init__(self, erased_ms: Mapping[bytes, int]) -> None:
        self._erased_ms = erased_ms

    @classmethod
    def read(cls, reader: TopicReader) -> Self:
        """All requests there are as of now. Blocks."""
        erased_ms: dict[bytes, int] = {}
        for student, time_ms in _requests(reader):
            erased_ms[student] = max(time_ms, erased_ms.get(student, 0))
        return cls(erased_ms)

    def cover(self, student: bytes | None, time_ms: int) -> bool:
        """Whether what `student` did at `time_ms` is to be erased."""
        return student is not None and time_ms <= self._erased_ms.get(student, -1)


def _requests(reader: TopicReader) -> Iterator[tuple[bytes, int]]:
    try:
        spans = reader.spans()
    except NoSuchTopic:
        return
    for partition, (start, end) in spans.items():
        for message in reader.read(partition, start, end):
            with suppress(InvalidInput):  # the worker has made a dead letter of it
                request = erasure.read_request(message.key(), message.value(), message.timestamp()[1])
                if request is not None:
                    yield request.student.encode(), request.at_us // 1000
