"""OpenAI's API, or any server that speaks its chat completions: one request a call, with deadlines.

The SDK's own retries are off (`max_retries=0`), since they would bypass the limits. Chat completions rather than
Responses, since compatible servers speak it too. Not sent: `temperature` and `max_tokens`, which newer models refuse.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, cast

import openai

from schemas.errors import Fatal
from streams.reasoning.catalogue import Served, choose_model, read_served
from streams.reasoning.completion import read_reply
from streams.reasoning.instructions import REPLY_SCHEMA
from streams.reasoning.model import (
    Generator,
    ModelBlocked,
    ModelRefused,
    ModelThrottled,
    ModelUnavailable,
    Reply,
)
from streams.reasoning.openai_errors import model_error
from streams.reasoning.prompt import Request, render

BASE_URL: Final = "https://api.openai.com/v1"
MODELS: Final = ("gpt-4.1", "gpt-6-luna")
_DAY_US: Final = 86_400_000_000
_NOT_OFFERED: Final = frozenset({404, 405, 501})
_RESPONSE_FORMAT: Final = {
    "type": "json_schema",
    "json_schema": {"name": "explanation", "strict": True, "schema": REPLY_SCHEMA},
}
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenAISettings:
    """Where and how to ask. `models` is an order of preference. The key is kept out of `repr`."""

    api_key: str = field(repr=False)
    base_url: str = BASE_URL
    models: tuple[str, ...] = MODELS
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    total_timeout_s: float = 45.0

    def __post_init__(self) -> None:
        """Raises Fatal for what can never work, saying what to do."""
        if not self.api_key.strip():
            raise Fatal(
                "OPENAI_API_KEY is missing or empty: set it, or choose explanations without OpenAI "
                "(SKILLSTREAM_REASONING=scripted) or none (SKILLSTREAM_REASONING=off)"
            )
        if not self.models or not all(model.strip() for model in self.models):
            raise Fatal("SKILLSTREAM_OPENAI_MODELS names no model: give one or more, the preferred one first")


class OpenAIModel:
    """Implements ReasoningModel. `clock_us` is the wall clock, for dates and the daily look at what is served."""

    generator: Generator = "model"

    def __init__(self, settings: OpenAISettings, clock_us: Callable[[], int]) -> None:
        self._settings = settings
        self._clock_us = clock_us
        self._model: str | None = None
        self._chosen_at_us = 0
        self._gone: set[str] = set()
        self._choosing = asyncio.Lock()
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key,
            base_url=settings.base_url,
            max_retries=0,
            timeout=openai.Timeout(
                settings.read_timeout_s, connect=settings.connect_timeout_s, read=settings.read_timeout_s
            ),
        )

    @property
    def name(self) -> str:
        return self._model or self._settings.models[0]

    async def prepare(self) -> None:
        """Choose the model. Raises Fatal for a refused key or where none is served, else ModelError to try again."""
        try:
            self._model = await self._choose()
        except (ModelBlocked, ModelRefused) as error:
            raise Fatal(str(error)) from None

    async def explain(self, request: Request) -> Reply:
        """See ReasoningModel. Looks at what is served first, if that was a day ago."""
        model = await self._current()
        try:
            async with asyncio.timeout(self._settings.total_timeout_s):
                response = await self._client.chat.completions.with_raw_response.create(
                    model=model,
                    messages=cast("Any", render(request)),
                    response_format=cast("Any", _RESPONSE_FORMAT),
                    store=False,
                )
        except TimeoutError:
            raise ModelUnavailable("the model did not answer in time") from None
        except openai.NotFoundError:
            self._gone.add(model)
            self._model = None
            raise ModelUnavailable(f"the server does not serve {model} any more") from None
        except openai.APIError as error:
            raise model_error(error, self._clock_us()) from None  # the SDK's error holds request and reply
        return read_reply(response.content, model)

    async def aclose(self) -> None:
        """See ReasoningModel."""
        await self._client.close()

    async def _current(self) -> str:
        async with self._choosing:
            if self._model is None:
                self._model = await self._choose()
            elif self._clock_us() - self._chosen_at_us >= _DAY_US:
                await self._choose_again()
            return self._model

    async def _choose_again(self) -> None:
        try:
            self._model = await self._choose()
        except (ModelUnavailable, ModelThrottled) as error:
            self._chosen_at_us = self._clock_us()
            _log.warning("staying with model %s for another day: %s", self._model, error)

    async def _choose(self) -> str:
        """Raises ModelBlocked where none of the models can be used, else ModelError."""
        settings = self._settings
        today = datetime.fromtimestamp(self._clock_us() / 1e6, UTC).date()
        served = await self._served()
        if served is None:
            _log.warning("%s does not list its models; taking them in the order given", settings.base_url)
        chosen = choose_model(settings.models, served, today, self._gone)
        if chosen is None:
            self._gone.clear()  # so that a model that is back can be found after the pause
            raise ModelBlocked(
                f"{settings.base_url} serves none of {', '.join(settings.models)}: "
                "name others in SKILLSTREAM_OPENAI_MODELS, the preferred one first"
            )
        self._chosen_at_us = self._clock_us()
        return chosen

    async def _served(self) -> list[Served] | None:
        """What the server lists; None where it does not list."""
        try:
            async with asyncio.timeout(self._settings.total_timeout_s):
                response = await self._client.models.with_raw_response.list()
        except TimeoutError:
            raise ModelUnavailable("the model's server did not list its models in time") from None
        except openai.APIError as error:
            if isinstance(error, openai.APIStatusError) and error.status_code in _NOT_OFFERED:
                return None
            raise model_error(error, self._clock_us()) from None
        return read_served(response.content)
