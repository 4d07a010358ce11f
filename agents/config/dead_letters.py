"""How dead letters are kept and written, by the settings."""

import secrets
from collections.abc import Mapping
from typing import Final

from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from schemas.topics import DAY_MS, DEAD_LETTERS
from streams.folding.dead_letter_writing import DeadLetterWriter

_ERASABLE: Final = {"cleanup.policy": "compact,delete", "max.compaction.lag.ms": str(DAY_MS)}
_RANDOM_BYTES: Final = 8


def dead_letters_config(settings: Settings) -> Mapping[str, str]:
    """Kafka's settings of the topic."""
    retention = {"retention.ms": str(settings.dead_letter_retention_days * DAY_MS)}
    return {**DEAD_LETTERS.config, **retention, **(_ERASABLE if has_unique_keys(settings) else {})}


def has_unique_keys(settings: Settings) -> bool:
    """Whether each dead letter has a key of its own, so that it can be erased."""
    return settings.dead_letter_keys == "unique"


def dead_letter_writer(settings: Settings, keyring: Keyring) -> DeadLetterWriter:
    """What writes them; the keyring may be opened later."""
    redacts = settings.dead_letter_redaction == "hash"
    random = (lambda: secrets.token_hex(_RANDOM_BYTES)) if has_unique_keys(settings) else None
    return DeadLetterWriter(keyring.hash_of if redacts else None, keyring.authentic, random)
