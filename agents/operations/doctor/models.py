"""Who writes the explanations: the key is taken, and a model that is configured is served. No call is spent.

Nothing here keeps a worker from scoring, so these are warnings, unless explanations are required.
"""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from agents.config.settings import Settings
from agents.operations.doctor.finding import Finding, ok, problem, warning
from agents.reasoning.setup import make_openai_model
from streams.reasoning.model.catalogue import Served, choose_model, names_of
from streams.reasoning.model.reasoning_model import ModelBlocked, ModelError

if TYPE_CHECKING:
    from streams.reasoning.model.openai_model import Listing

_WITHOUT = "a worker starts without explanations, and keeps trying"


@dataclass(frozen=True, slots=True)
class Models:
    """Implements Check. Asks GET /v1/models, as a worker does at its start."""

    settings: Settings
    name: str = "models"
    decides: bool = False

    def run(self) -> Iterator[Finding]:
        """Raises SettingsError or Fatal where a worker would."""
        if self.settings.reasoning != "openai":
            yield ok(f"not asked: explanations are {self.settings.reasoning}")
            return
        if not self.settings.openai_api_key:
            yield warning("not asked: there is no key")
            return
        yield asyncio.run(self._ask())

    async def _ask(self) -> Finding:
        model = make_openai_model(self.settings)
        try:
            listing = await model.listing()
        except ModelError as error:
            return warning(f"{error}: {_WITHOUT}", "is OPENAI_BASE_URL right?")
        finally:
            await model.aclose()
        return self._findings(listing, only_listed=model.is_openai)

    def _findings(self, listing: "Listing", *, only_listed: bool) -> Finding:
        if listing.problem is not None:
            return self._refused(listing.problem)
        wanted, served = self.settings.openai_models, listing.served
        chosen = choose_model(wanted, served, datetime.now(UTC).date(), only_listed=only_listed)
        advice = "see SKILLSTREAM_OPENAI_MODELS"
        if chosen is None:
            return self._refused(ModelBlocked(f"none of {', '.join(wanted)} is served ({names_of(served)})"), advice)
        if served is None:
            return warning(f"the server does not list its models: {chosen.model} is asked unseen")
        if not chosen.listed:
            said = f"the server does not list {chosen.model} ({names_of(served)}): it is asked unseen"
            return warning(said, advice)
        dates = "; ".join(f"{name} {_until(name, served)}" for name in wanted)
        if chosen.model != wanted[0]:
            return warning(f"{chosen.model} is used, not the first of the list ({dates})", advice)
        return ok(f"the key is taken, {chosen.model} is used ({dates})")

    def _refused(self, error: ModelError, advice: str = "") -> Finding:
        if self.settings.reasoning_required and isinstance(error, ModelBlocked):
            return problem(f"{error}: SKILLSTREAM_REASONING_REQUIRED is set, and a worker does not start", advice)
        return warning(f"{error}: {_WITHOUT}", advice)


def _until(name: str, served: Sequence[Served]) -> str:
    found = next((model for model in served if model.is_called(name)), None)
    if found is None:
        return "is not served"
    return f"is served until {found.shutdown_date}" if found.shutdown_date else "is served"
