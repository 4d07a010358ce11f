"""Settings of a command that looks at a broker beside the workers, and explains nothing."""

import os

from agents.config.settings import Settings, load_settings
from agents.kafka.resolving import warn_of_unresolved


def load_broker_settings(config: str | None, broker: str | None) -> Settings:
    """As a worker has them. Says at once which of the broker's names lead nowhere. Raises SettingsError."""
    settings = load_settings(os.environ, config, broker=broker, reasoning="off")
    warn_of_unresolved(settings.broker, settings.start_timeout_s)
    return settings
