"""Which checks there are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.doctor.artifact import ModelArtifact
from agents.doctor.broker import BrokerAnswers
from agents.doctor.check import Check
from agents.doctor.clock import Clock
from agents.doctor.codecs import Codecs
from agents.doctor.finding import Finding, ok, problem, warning
from agents.doctor.mapping import VerbMapping
from agents.doctor.models import Models
from agents.doctor.pages import Pages
from agents.doctor.permissions import Permissions
from agents.doctor.placement import Placement
from agents.doctor.redis import Limits
from agents.doctor.skills import Skills
from agents.doctor.store import Store
from agents.doctor.surroundings import Surroundings
from agents.doctor.table import Table
from agents.doctor.topics import Topics
from agents.settings import Settings, SettingsError, load_settings, require_secrets

_INNER = 0.8
"""Of the time given: so that a server that is away is named, before the check itself is late."""


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """Implements Check: what the worker is told. `settings` is an error where they cannot be read."""

    settings: Settings | SettingsError
    name: str = "settings"
    decides: bool = True

    def examine(self) -> Iterator[Finding]:
        """Asks nobody."""
        settings = self.settings
        if isinstance(settings, SettingsError):
            yield problem(str(settings), "nothing else can be checked before")
            return
        try:
            require_secrets(settings)
        except SettingsError as error:
            yield problem(str(error))
        if settings.reasoning == "openai" and not settings.pseudonym_secret:
            yield warning(
                "SKILLSTREAM_PSEUDONYM_SECRET is not set: each start gives students new names at the provider",
                "set it to a random text of your own, the same for all workers",
            )
        yield ok(f"app {settings.app_id}, {settings.partitions} partitions, explanations: {settings.reasoning}")


def checks(environment: Mapping[str, str], config: str | None, broker: str | None, timeout_s: float) -> Sequence[Check]:
    """All; only those that need no settings where these cannot be read."""
    try:
        settings = load_settings(environment, config, broker=broker)
    except SettingsError as error:
        return [GivenSettings(error), Surroundings(), Codecs()]
    inner_s = timeout_s * _INNER
    return [
        GivenSettings(settings),
        Surroundings(),
        Codecs(),
        Skills(settings),
        VerbMapping(settings),
        ModelArtifact(settings),
        BrokerAnswers(settings, inner_s),
        Topics(settings, inner_s),
        Permissions(settings, inner_s),
        Placement(settings),
        Table(settings, inner_s),
        Limits(settings),
        Models(settings),
        Clock(settings, inner_s),
        Store(settings),
        Pages(settings),
    ]
