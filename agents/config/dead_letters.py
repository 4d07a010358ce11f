"""How the dead-letters topic is kept, by the settings."""

from collections.abc import Mapping

from agents.config.settings import Settings
from schemas.topics import DAY_MS, DEAD_LETTERS


def dead_letters_config(settings: Settings) -> Mapping[str, str]:
    """Kafka's settings of the topic."""
    return {**DEAD_LETTERS.config, "retention.ms": str(settings.dead_letter_retention_days * DAY_MS)}
