"""Where something is held of a student, and until when Kafka keeps it, by the settings that the broker has."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.kafka.clients import open_admin
from agents.kafka.topic_settings import read_settings

FOR_EVER: Final = "for ever"
NOT_KNOWN: Final = "not told by this broker"
_ROW: Final = "the tombstone row, whose key is the student's id: when, and up to which offsets"
_REQUEST: Final = "the worker's answer to the request, under the student's id: a rebuilt table needs it"


class Remains(msgspec.Struct, frozen=True):
    """What is left at a place, and until when at the latest: a time, or words."""

    where: str
    what: str
    until: str


@dataclass(frozen=True, slots=True)
class Holdings:
    """Of one deployment. `settings_of` are Kafka's own, by topic; empty of what the broker does not tell."""

    channels: Channels
    changelog: str
    settings_of: Mapping[str, Mapping[str, str]]

    @classmethod
    def of(cls, settings: Settings) -> "Holdings":
        """As the broker has them now. Blocks."""
        channels, changelog = Channels.of(settings), changelog_of(settings).name
        topics = [changelog, *published_topics(channels), *_deleted(channels), channels.erasures]
        return cls(channels, changelog, read_settings(open_admin(settings.broker), topics, settings.start_timeout_s))

    def remaining(self, erased_at: datetime) -> list[Remains]:
        """What is left of a student who was erased then, topic by topic."""
        return [
            Remains(
                self.changelog,
                "former rows, on disk, once a record follows",
                self._compacted(self.changelog, erased_at),
            ),
            Remains(self.changelog, _ROW, FOR_EVER),
            *self._published(erased_at),
            *self._deleted(erased_at),
            Remains(self.channels.erasures, _REQUEST, FOR_EVER),
            Remains("identities", "other ids of the student, if your platform keeps any", "until it takes them back"),
            Remains("sums over items", "what first answers added, without a name", FOR_EVER),
            Remains("Redis", "a claim of a call under way, under a keyed hash; answers, which name nobody", "minutes"),
            Remains("exported files", "those that the receipt names under `exports`", "you delete them"),
            Remains("backups, logs of producers, consumers of the topics", "theirs", "not known here"),
        ]

    def _published(self, erased_at: datetime) -> Iterator[Remains]:
        for topic in published_topics(self.channels):
            yield Remains(topic, "former messages, on disk, once a record follows", self._compacted(topic, erased_at))

    def _deleted(self, erased_at: datetime) -> Iterator[Remains]:
        what = {
            self.channels.activity: "events, as they came",
            self.channels.results: "what became of calls",
            self.channels.dead_letters: "records that could not be read; none is sent back",
        }
        for topic in _deleted(self.channels):
            yield Remains(topic, what[topic], self._after(topic, "retention.ms", erased_at))

    def _compacted(self, topic: str, erased_at: datetime) -> str:
        """The bound that `max.compaction.lag.ms` sets: from the segment's first record on, the cleaner's run apart."""
        return self._after(topic, "max.compaction.lag.ms", erased_at)

    def _after(self, topic: str, setting: str, erased_at: datetime) -> str:
        value = self.settings_of.get(topic, {}).get(setting)
        if value is None:
            return NOT_KNOWN
        try:
            return utc_second(erased_at + timedelta(milliseconds=int(value))) if int(value) >= 0 else FOR_EVER
        except OverflowError:
            return FOR_EVER


def published_topics(channels: Channels) -> list[str]:
    """The compacted topics that say something of each student."""
    topics = channels.updates, channels.history, channels.reasoning, channels.attention
    return [topic for topic in topics if topic]


def utc_second(time: datetime) -> str:
    """In UTC, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _deleted(channels: Channels) -> tuple[str, ...]:
    return channels.activity, channels.results, channels.dead_letters
