"""Who writes the explanations: the key is taken, and a model that is configured is served. No call is spent."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from agents.doctor.finding import Finding, ok, refusal, warning
from agents.explaining import make_model
from agents.settings import Settings
from schemas.errors import Fatal
from streams.reasoning.catalogue import Served, choose_model, read_served
from streams.reasoning.model import ModelUnavailable


@dataclass(frozen=True, slots=True)
class Models:
    """Implements Check. Asks GET /v1/models, as a worker does at its start."""

    settings: Settings
    name: str = "models"
    decides: bool = False

    def examine(self) -> Iterator[Finding]:
        """Raises SettingsError or Fatal where a worker would."""
        if self.settings.reasoning != "openai":
            yield ok(f"not asked: explanations are {self.settings.reasoning}")
            return
        if not self.settings.openai_api_key:
            yield warning("not asked: there is no key")
            return
        yield from asyncio.run(self._ask())

    async def _ask(self) -> list[Finding]:
        model = make_model(self.settings)
        try:
            await model.prepare()
        except ModelUnavailable as error:
            return [warning(f"{error}: a worker starts without explanations", "is OPENAI_BASE_URL right?")]
        except Fatal as error:
            return [refusal(error)]
        finally:
            await model.aclose()
        return list(self._judge(await self._served()))

    async def _served(self) -> Sequence[Served] | None:
        """None where the server does not list what it serves."""
        from openai import APIError, AsyncOpenAI  # takes a second

        settings = self.settings
        async with AsyncOpenAI(
            api_key=settings.openai_api_key, base_url=settings.openai_base_url, max_retries=0, timeout=10.0
        ) as client:
            try:
                return read_served((await client.models.with_raw_response.list()).content)
            except (APIError, ModelUnavailable):
                return None

    def _judge(self, served: Sequence[Served] | None) -> Iterator[Finding]:
        wanted = self.settings.openai_models
        chosen = choose_model(wanted, served, datetime.now(UTC).date())
        if served is None:
            yield warning(f"the server does not list its models: {chosen} is asked unseen")
            return
        shutdowns = {model.id: model.shutdown_date for model in served}
        told = [f"{name} {_until(name, shutdowns)}" for name in wanted]
        if chosen != wanted[0]:
            yield warning(
                f"{chosen} is used, not the first of the list ({'; '.join(told)})", "see SKILLSTREAM_OPENAI_MODELS"
            )
        else:
            yield ok(f"the key is taken, {chosen} is used ({'; '.join(told)})")


def _until(name: str, shutdowns: dict[str, str | None]) -> str:
    if name not in shutdowns:
        return "is not served"
    return f"is served until {shutdowns[name]}" if shutdowns[name] else "is served"
