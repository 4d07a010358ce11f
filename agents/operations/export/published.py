"""The newest update of each student, from `skill-updates`. Blocks.

Partition by partition, and each twice: first to learn which record of a key is the last, then for those. So the keys of
one partition are in memory, and no update; a topic that was not compacted for long is as good.
"""

from collections.abc import Callable, Iterator

import msgspec

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.reader import TopicReader
from schemas.update import SkillUpdate, read_update


class PublishedUpdates:
    """Of one deployment. `unread` counts records that are no updates, `advance` hears of how far it is, of how much."""

    def __init__(self, settings: Settings, advance: Callable[[int, int], None]) -> None:
        self._settings = settings
        self._advance = advance
        self.unread = 0

    def __iter__(self) -> Iterator[SkillUpdate]:
        """Of those who were not erased. Raises BrokerUnavailable, NoSuchTopic, TopicForbidden."""
        settings, topic = self._settings, Channels.of(self._settings).updates
        with TopicReader(settings.broker, topic, f"{settings.app_id}-export", settings.start_timeout_s) as reader:
            spans = reader.spans()
            done, of = 0, 2 * sum(end - start for start, end in spans.values())
            for partition, (start, end) in spans.items():
                last: dict[bytes, int] = {}
                for message in reader.read(partition, start, end):
                    last[message.key() or b""] = int(message.offset() or 0)
                    self._step(message.offset(), done - start, of)
                done += end - start
                for message in reader.read(partition, start, end):
                    self._step(message.offset(), done - start, of)
                    value = message.value()
                    if value is not None and last.get(message.key() or b"") == message.offset():
                        yield from self._read(value)
                done += end - start

    def _step(self, offset: int | None, done: int, of: int) -> None:
        if offset is not None and offset % 1_000 == 0:
            self._advance(done + offset, of)

    def _read(self, value: bytes) -> Iterator[SkillUpdate]:
        try:
            yield read_update(value)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self.unread += 1
