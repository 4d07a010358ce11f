"""How dead letters are kept and written, by the settings."""

from collections.abc import Mapping

from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from schemas.topics import DAY_MS, DEAD_LETTERS
from streams.folding.dead_letter_writing import DeadLetterWriter


def dead_letters_config(settings: Settings) -> Mapping[str, str]:
    """Kafka's settings of the topic."""
    return {**DEAD_LETTERS.config, "retention.ms": str(settings.dead_letter_retention_days * DAY_MS)}


def dead_letter_writer(settings: Settings, keyring: Keyring) -> DeadLetterWriter:
    """What writes them; the keyring may be opened later."""
    redacts = settings.dead_letter_redaction == "hash"
    return DeadLetterWriter(keyring.hash_of if redacts else None, keyring.authentic)
