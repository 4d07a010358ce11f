"""Where a group stands: its committed offsets and the ends of its topics, asked of the broker with one connection."""

from collections.abc import Iterable, Mapping
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

Positions = Mapping[tuple[str, int], int]
"""An offset by (topic, partition); 0 where nothing is committed."""
_TIMEOUT_S: Final = 5.0


class Offsets:
    """Reads positions; to be closed. Nothing is joined or committed."""

    def __init__(self, broker: str, group: str, topics: Iterable[str], partitions: int) -> None:
        self._places = [TopicPartition(topic, partition) for topic in topics for partition in range(partitions)]
        self._consumer = Consumer(
            {"bootstrap.servers": broker, "group.id": group, "enable.auto.commit": False, "log_level": 0}
        )

    def close(self) -> None:
        """Give the connection up."""
        self._consumer.close()

    def committed(self) -> Positions:
        """What the group has committed. Raises KafkaException while the broker does not answer."""
        try:
            found = self._consumer.committed(self._places, timeout=_TIMEOUT_S)
        except KafkaException as error:  # the group has no coordinator before its first member
            if error.args[0].name() != "NOT_COORDINATOR":
                raise
            return {(place.topic, place.partition): 0 for place in self._places}
        return {(place.topic, place.partition): max(0, place.offset) for place in found}

    def ends(self) -> Positions:
        """Where the topics end. Raises KafkaException while the broker does not answer."""
        return {
            (place.topic, place.partition): self._consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)[1]
            for place in self._places
        }

    def lag(self) -> int | None:
        """Records that are not committed; None while the broker does not answer."""
        try:
            ends, committed = self.ends(), self.committed()
        except KafkaException:
            return None
        return sum(end - committed[place] for place, end in ends.items())

    def past(self, before: Positions) -> bool:
        """Whether every partition that has records past `before` was committed past it, one at least."""
        try:
            ends, committed = self.ends(), self.committed()
        except KafkaException:
            return False
        waiting = [place for place, end in ends.items() if end > before[place]]
        return bool(waiting) and all(committed[place] > before[place] for place in waiting)
