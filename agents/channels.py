"""The topics by name and by settings: what is created at the start, and what each carries (see DESIGN, 'Topics')."""

from dataclasses import dataclass
from typing import Final, Self

from agents.delivery.settings import DEAD_LETTER_HEADROOM_BYTES
from agents.settings import Settings
from agents.topics import TopicSpec

DAY_MS: Final = 86_400_000
MAX_RECORD_BYTES: Final = 12 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Channels:
    """Full topic names. All are keyed by student and share a partition count."""

    activity: str
    updates: str
    reasoning: str
    dead_letters: str
    results: str
    erasures: str

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """Names with the prefix that `settings` has."""
        return cls(
            activity=settings.topic("student-activity"),
            updates=settings.topic("skill-updates"),
            reasoning=settings.topic("skill-reasoning"),
            dead_letters=settings.topic("dead-letters"),
            results=settings.topic("reasoning-results"),
            erasures=settings.topic("erasures"),
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """What the table's agent reads."""
        return self.activity, self.results, self.erasures

    def specs(self, settings: Settings) -> list[TopicSpec]:
        """How each is created where it is missing."""
        largest = {"max.message.bytes": str(MAX_RECORD_BYTES)}
        compacted = {"cleanup.policy": "compact,delete", "retention.ms": str(365 * DAY_MS)}
        configs = {
            self.activity: largest | {"retention.ms": str(7 * DAY_MS)},
            self.updates: compacted,
            self.reasoning: compacted,
            self.dead_letters: {
                "max.message.bytes": str(MAX_RECORD_BYTES + DEAD_LETTER_HEADROOM_BYTES),
                "retention.ms": str(90 * DAY_MS),
            },
            self.results: {"retention.ms": str(7 * DAY_MS)},
            self.erasures: {"cleanup.policy": "compact"},
        }
        return [TopicSpec(name, settings.partitions, settings.replication, config) for name, config in configs.items()]
