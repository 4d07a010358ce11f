"""The topics by name and by settings: what is created at the start. What each carries is in `schemas.topics`."""

from dataclasses import astuple, dataclass
from typing import Self

from agents.config.dead_letters import dead_letters_config, has_unique_keys
from agents.config.settings import Settings
from agents.kafka.topics import TopicSpec
from schemas import topics


@dataclass(frozen=True, slots=True)
class Channels:
    """Full topic names. All share a partition count; all but `fusion_config`, `catalogue`, `norms`, `norm_shards`,
    `workers`, `audit`, `tenant_hold`, `identities` and `identity_starts` are keyed by student.
    """

    activity: str
    updates: str
    history: str
    reasoning: str
    dead_letters: str
    results: str
    erasures: str
    attention: str
    """Empty: off."""
    fusion_config: str
    catalogue: str
    norms: str
    norm_shards: str
    workers: str
    audit: str
    tenant_hold: str
    """Empty: there are no tenants."""
    identities: str
    identity_starts: str
    """Both empty: workers know no other ids."""

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Names with the prefix that `settings` has."""
        return cls(
            activity=settings.topic(topics.ACTIVITY.name),
            updates=settings.topic(topics.UPDATES.name),
            history=settings.topic(topics.HISTORY.name),
            reasoning=settings.topic(topics.REASONING.name),
            dead_letters=settings.topic(topics.DEAD_LETTERS.name),
            results=settings.topic(topics.RESULTS.name),
            erasures=settings.topic(topics.ERASURES.name),
            attention=settings.attention_topic and settings.topic(settings.attention_topic),
            fusion_config=settings.topic(topics.FUSION_CONFIG.name),
            catalogue=settings.topic(topics.CATALOGUE.name),
            norms=settings.topic(topics.NORM_SNAPSHOTS.name),
            norm_shards=settings.topic(topics.NORM_SHARDS.name),
            workers=settings.topic(topics.WORKERS.name),
            audit=settings.topic(topics.AUDIT.name),
            tenant_hold="" if settings.tenants is None else settings.topic(topics.TENANT_HOLD_LOG.name),
            identities=settings.topic(topics.IDENTITIES.name) if settings.identities_mb else "",
            identity_starts=settings.topic(topics.IDENTITY_STARTS.name) if settings.identities_mb else "",
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """What the table's agent reads."""
        return self.activity, self.results, self.erasures

    @property
    def names(self) -> tuple[str, ...]:
        """All that are not off."""
        return tuple(filter(None, astuple(self)))

    def specs(self, settings: Settings) -> list[TopicSpec]:
        """How each is created where it is missing."""
        names = {topic.name: settings.topic(topic.name) for topic in topics.TOPICS}
        names |= {topics.ATTENTION.name: self.attention, topics.TENANT_HOLD_LOG.name: self.tenant_hold}
        names |= {topics.IDENTITIES.name: self.identities, topics.IDENTITY_STARTS.name: self.identity_starts}
        return [
            TopicSpec(
                name,
                settings.partitions,
                settings.replication,
                dead_letters_config(settings) if topic is topics.DEAD_LETTERS else topic.config,
                keeps_no_longer=topic is topics.DEAD_LETTERS,
                has_unique_keys=topic is topics.DEAD_LETTERS and has_unique_keys(settings),
            )
            for topic in topics.TOPICS
            if (name := names[topic.name])
        ]
