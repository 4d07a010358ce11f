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
from agents.kafka.mock import is_mock
from agents.kafka.topic_settings import CLEANUP, read_settings
from agents.kafka.topics import describe_cluster
from agents.operations.erase.dead_letters import ErasedDeadLetters

FOR_EVER: Final = "for ever"
NOT_KNOWN: Final = "not told by this broker"
_ROW: Final = "the tombstone row, whose key is the student's id: when, and up to which offsets"
_NO_DEAD_LETTERS: Final = ErasedDeadLetters()
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
        """As the broker has them now; the embedded one would never answer. Blocks. Raises BrokerUnavailable."""
        channels, changelog = Channels.of(settings), changelog_of(settings).name
        topics = [changelog, *published_topics(channels), *_deleted(channels), channels.erasures]
        admin, timeout_s = open_admin(settings.broker), settings.start_timeout_s
        unanswered = is_mock(describe_cluster(admin, settings.broker, timeout_s))
        return cls(channels, changelog, {} if unanswered else read_settings(admin, topics, timeout_s))

    def remaining(self, erased_at: datetime, dead_letters: ErasedDeadLetters = _NO_DEAD_LETTERS) -> list[Remains]:
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
            *self._dead_letters(erased_at, dead_letters),
            Remains(
                self.channels.erasures,
                "the request as it was written, on disk, once a record follows",
                self._compacted(self.channels.erasures, erased_at),
            ),
            Remains(self.channels.erasures, _REQUEST, FOR_EVER),
            Remains("identities", "other ids of the student, if your platform keeps any", "until it takes them back"),
            Remains("identity-starts", "from where on other ids, by their hashes, count for the student", FOR_EVER),
            Remains("stores on disk of workers that run", "former rows, until files are written anew", "some seconds"),
            Remains("stores on disk of workers that do not", "former rows", "their next start, or you delete them"),
            Remains("sums over items", "what first answers added, without a name", FOR_EVER),
            Remains("Redis", "a claim of a call under way, under a keyed hash; answers, which name nobody", "minutes"),
            Remains(
                "exported files",
                "those under `exports`, if the receipt has that",
                "you delete them",
            ),
            Remains("backups, logs of producers, consumers of the topics", "theirs", "not known here"),
        ]

    def _published(self, erased_at: datetime) -> Iterator[Remains]:
        for topic in published_topics(self.channels):
            yield Remains(topic, "former messages, on disk, once a record follows", self._compacted(topic, erased_at))

    def _deleted(self, erased_at: datetime) -> Iterator[Remains]:
        what = {
            self.channels.activity: "events, as they came",
            self.channels.results: "what became of calls",
        }
        for topic, said in what.items():
            yield Remains(topic, said, self._deleted_at(topic, erased_at))

    def _dead_letters(self, erased_at: datetime, found: ErasedDeadLetters) -> Iterator[Remains]:
        topic = self.channels.dead_letters
        is_compacted = "compact" in self.settings_of.get(topic, {}).get(CLEANUP, "")
        if found.erased:
            said = f"dead letters, erased: {found.erased}"
            said += f", {found.shared} of them with events of others" if found.shared else ""
            until = self._compacted(topic, erased_at) if is_compacted else self._deleted_at(topic, erased_at)
            yield Remains(topic, f"{said}; on disk, once a record follows" if is_compacted else said, until)
        left = f"dead letters of theirs without a key of their own: {found.left}; and " if found.left else ""
        said = f"{left}dead letters of which nobody can say whose they are; none is sent back"
        yield Remains(topic, said, self._deleted_at(topic, erased_at))

    def _compacted(self, topic: str, erased_at: datetime) -> str:
        """The bound that `max.compaction.lag.ms` sets: from the segment's first record on, the cleaner's run apart."""
        return self._after(topic, "max.compaction.lag.ms", erased_at)

    def _deleted_at(self, topic: str, erased_at: datetime) -> str:
        """Kafka deletes whole segments: the newest record of one decides."""
        return self._after(topic, "retention.ms", erased_at, "segment.ms")

    def _after(self, topic: str, setting: str, erased_at: datetime, and_setting: str = "") -> str:
        settings = self.settings_of.get(topic, {})
        value = settings.get(setting)
        if value is None:
            return NOT_KNOWN
        after_ms = int(value) + int(settings.get(and_setting, 0))
        try:
            return utc_second(erased_at + timedelta(milliseconds=after_ms)) if int(value) >= 0 else FOR_EVER
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
