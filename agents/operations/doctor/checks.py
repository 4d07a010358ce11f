"""Which checks there are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from agents.config.proxy import proxy_rules
from agents.config.settings import Settings, SettingsError, load_settings, require_secrets
from agents.config.spending import require_spending
from agents.config.tenants import Tenants
from agents.operations.doctor.check import Check, Finding, ok, problem
from agents.operations.doctor.clock import Clock
from agents.operations.doctor.contents import Placement, Table
from agents.operations.doctor.installed import Codecs, Environment
from agents.operations.doctor.kafka import BrokerAnswers, Permissions
from agents.operations.doctor.local import ModelArtifact, Pages, Skills, StoreCheck, VerbMapping
from agents.operations.doctor.services import BudgetCheck, Models
from agents.operations.doctor.spending import SpendingCheck
from agents.operations.doctor.topics import Topics
from agents.tracing import require_tracing

_INNER = 0.8
"""Of the time given: so that a server that is away is named, before the check itself is late."""


@dataclass(frozen=True, slots=True)
class GivenSettings:
    """Implements Check: the worker's settings. `settings` is an error where they cannot be read."""

    settings: Settings | SettingsError
    name: str = "settings"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Asks nobody."""
        settings = self.settings
        if isinstance(settings, SettingsError):
            yield problem(str(settings), "nothing else can be checked before")
            return
        try:
            require_secrets(settings)
            require_spending(settings)
            proxy_rules(settings)
            require_tracing(settings)
            Tenants.of(settings)
        except SettingsError as error:
            yield problem(str(error))
        yield ok(f"app {settings.app_id}, {settings.partitions} partitions, explanations: {settings.reasoning}")


def checks(environment: Mapping[str, str], config: str | None, broker: str | None, timeout_s: float) -> Sequence[Check]:
    """All; only those that need no settings where these cannot be read."""
    try:
        settings = load_settings(environment, config, broker=broker)
    except SettingsError as error:
        return [GivenSettings(error), Environment(), Codecs()]
    inner_s = timeout_s * _INNER
    return [
        GivenSettings(settings),
        Environment(),
        Codecs(),
        Skills(settings),
        VerbMapping(settings),
        ModelArtifact(settings),
        BrokerAnswers(settings, inner_s),
        Topics(settings, inner_s),
        Permissions(settings, inner_s),
        Placement(settings),
        Table(settings, inner_s),
        BudgetCheck(settings),
        SpendingCheck(settings),
        Models(settings),
        Clock(settings, inner_s),
        StoreCheck(settings),
        Pages(settings),
    ]
