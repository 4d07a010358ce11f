"""OpenAI's API, or any server that speaks its chat completions: one request a call, with deadlines and bounds.

The SDK's own retries are off (`max_retries=0`), since they would bypass the limits. Chat completions rather than
Responses, since compatible servers speak it too. Not sent: `temperature`, which newer models refuse. Every request caps
its reply (`max_completion_tokens`), so that what it can cost is known before. What a server refuses by name is left out
from then on (`request_form`). How servers differ, and what comes of it, is a table in docs/explanations.md.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, cast
from urllib.parse import urlsplit

import httpx2
import openai

from schemas.errors import Fatal
from streams.reasoning.model.bounded_client import MAX_REPLY_BYTES, BoundedClient
from streams.reasoning.model.catalogue import Served, choose_model, names_of, read_served
from streams.reasoning.model.completion import first_choice, read_object, read_reply, request_id
from streams.reasoning.model.defaults import BASE_URL, MAX_REPLY_TOKENS, MISSING_KEY
from streams.reasoning.model.error_body import ReportedError
from streams.reasoning.model.openai_errors import is_not_served, model_error, reported_by, reported_failure
from streams.reasoning.model.provider_quota import HeaderLookup, read_quota
from streams.reasoning.model.reasoning_model import (
    ModelBlocked,
    ModelError,
    ModelKind,
    ModelUnavailable,
    Reply,
    ReplyTooLarge,
    RequestAdjusted,
)
from streams.reasoning.model.request_form import RequestForm
from streams.reasoning.request.prompt import Request, render

_OPENAI: Final = "api.openai.com"
_DAY_US: Final = 86_400_000_000
_NO_LIST: Final = frozenset({400, 403, 404, 405, 406, 410, 422, 501})
_SCOPES: Final = re.compile(r"\bscopes?\b")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenAISettings:
    """Where and how to ask. `models` is an order of preference. The key is kept out of `repr`."""

    api_key: str = field(repr=False)
    models: tuple[str, ...]
    base_url: str = BASE_URL
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 30.0
    total_timeout_s: float = 45.0
    max_reply_bytes: int = MAX_REPLY_BYTES
    max_reply_tokens: int = MAX_REPLY_TOKENS

    def __post_init__(self) -> None:
        """Raises Fatal for what can never work, saying what to do."""
        if not self.api_key.strip():
            raise Fatal(MISSING_KEY)
        if not self.models or not all(model.strip() for model in self.models):
            raise Fatal("SKILLSTREAM_OPENAI_MODELS names no model: give one or more, the preferred one first")

    @property
    def is_openai(self) -> bool:
        """Whether the server is OpenAI's own, which serves what it lists and stores replies unless a request says
        otherwise.
        """
        host = urlsplit(self.base_url).hostname or ""
        return host == _OPENAI or host.endswith(f".{_OPENAI}")

    @property
    def address(self) -> str:
        """The base URL without what it takes to get in."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@dataclass(frozen=True, slots=True)
class Listing:
    """What GET /v1/models gave: `served` is None where the server does not say; `problem`, if that is a failure."""

    served: list[Served] | None
    problem: ModelError | None = None


class OpenAIModel:
    """Implements ReasoningModel. `clock_us` is the wall clock, for dates and the daily look at what is served.

    `transport` replaces the network, in tests. `key` tells the key anew for each request, where it may be rotated.
    """

    generator: ModelKind = "model"

    def __init__(
        self,
        settings: OpenAISettings,
        clock_us: Callable[[], int],
        transport: httpx2.AsyncBaseTransport | None = None,
        key: Callable[[], str] | None = None,
    ) -> None:
        self._settings = settings
        self._clock_us = clock_us
        self._form = RequestForm()
        self._model: str | None = None
        self._served: list[Served] | None = None
        self._chosen_at_us = 0
        self._gone: set[str] = set()
        self._choosing = asyncio.Lock()
        timeout = openai.Timeout(
            settings.read_timeout_s, connect=settings.connect_timeout_s, read=settings.read_timeout_s
        )
        self._client = openai.AsyncOpenAI(
            api_key=settings.api_key if key is None else partial(_now, key),
            base_url=settings.base_url,
            max_retries=0,
            timeout=timeout,
            http_client=BoundedClient(settings.max_reply_bytes, timeout=timeout, transport=transport),
        )

    @property
    def name(self) -> str:
        return self._model or self._settings.models[0]

    @property
    def is_openai(self) -> bool:
        """See OpenAISettings."""
        return self._settings.is_openai

    async def prepare(self) -> None:
        """Choose the model. Raises ModelBlocked for a refused key, or where OpenAI serves none; else ModelError where
        the list failed. A server that offers no list is no failure.
        """
        listing = await self.listing()
        if listing.problem is not None:
            raise listing.problem
        self._model = self._choose(listing.served)

    async def explain(self, request: Request) -> Reply:
        """See ReasoningModel. Looks at what is served first, if that was a day ago."""
        model, form = await self._current(), self._form
        try:
            async with asyncio.timeout(self._settings.total_timeout_s):
                response = await self._client.chat.completions.with_raw_response.create(
                    model=model,
                    messages=cast("Any", form.messages(render(request))),
                    **form.parameters(self._settings.max_reply_tokens),
                )
        except TimeoutError:
            raise ModelUnavailable("the model did not answer in time") from None
        except openai.APIStatusError as error:  # the SDK's error holds request and reply: not to be chained
            failure = self._failure(reported_by(error), error.response.headers.get, model, form)
            failure.unbilled = True
            raise failure from None
        except openai.APIError as error:
            raise model_error(error, self._clock_us()) from None
        completion = read_object(response.content)
        choice = first_choice(completion)
        reported = ReportedError.of_success(choice) or (None if choice else ReportedError.of_success(completion))
        if reported is not None:
            failure = self._failure(reported, response.headers.get, model, form)
            failure.unbilled = not choice
            raise failure
        quota = read_quota(response.headers.get)
        try:
            reply = read_reply(completion, model)
        except ModelError as error:
            error.quota = quota
            raise
        return replace(reply, request_id=request_id(completion, response.headers.get("x-request-id")), quota=quota)

    async def listing(self) -> Listing:
        """Ask what is served. Raises ModelUnavailable where nobody answers."""
        try:
            async with asyncio.timeout(self._settings.total_timeout_s):
                response = await self._client.models.with_raw_response.list()
        except TimeoutError:
            raise ModelUnavailable("the model's server did not list its models in time") from None
        except openai.APIStatusError as error:
            return Listing(None, self._problem(error))
        except openai.APIError as error:
            raise model_error(error, self._clock_us()) from None
        except ReplyTooLarge:
            return Listing(None)
        return Listing(read_served(response.content))

    async def aclose(self) -> None:
        """See ReasoningModel."""
        await self._client.close()

    def _problem(self, error: openai.APIStatusError) -> ModelError | None:
        """What a refused list means for completions: nothing, where there is none or the key may not list."""
        reported = reported_by(error)
        if reported.status in _NO_LIST or (reported.status == 401 and _SCOPES.search(reported.words)):
            return None
        return model_error(error, self._clock_us())

    def _failure(self, reported: ReportedError, header: HeaderLookup, model: str, form: RequestForm) -> ModelError:
        """The error of a refused completion; what it shows of this server is remembered."""
        refused = form.refused_by(reported, by_openai=self._settings.is_openai)
        if refused is not None:
            name, without = refused
            if self._form == form:
                self._form = without
                _log.warning("%s refuses %s: it is left out from now on", self._settings.address, name)
            return RequestAdjusted(f"the server refuses {name}")
        if is_not_served(reported):
            self._gone.add(model)
            self._model = None
            return ModelUnavailable(f"the server does not serve {model}: {names_of(self._served)}")
        return reported_failure(reported, header, self._clock_us())

    async def _current(self) -> str:
        """The model to ask. What the list fails with is no reason not to ask: a completion shows what is true."""
        async with self._choosing:
            if self._model is None:
                self._model = self._choose((await self.listing()).served)
            elif self._clock_us() - self._chosen_at_us >= _DAY_US:
                await self._choose_again(self._model)
            return self._model

    async def _choose_again(self, model: str) -> None:
        try:
            listing = await self.listing()
        except ModelUnavailable as error:
            listing = Listing(None, error)
        if listing.problem is None:
            self._model = self._choose(listing.served)
        else:
            self._chosen_at_us = self._clock_us()
            _log.warning("staying with model %s for another day: %s", model, listing.problem)

    def _choose(self, served: list[Served] | None) -> str:
        """Raises ModelBlocked where none of the models can be used."""
        settings = self._settings
        today = datetime.fromtimestamp(self._clock_us() / 1e6, UTC).date()
        chosen = choose_model(settings.models, served, today, self._gone, only_listed=settings.is_openai)
        self._served = served
        if chosen is None:
            self._gone.clear()  # so that a model that is back can be found after the pause
            raise ModelBlocked(
                f"{settings.address} serves none of {', '.join(settings.models)} ({names_of(served)}): "
                "name others in SKILLSTREAM_OPENAI_MODELS, the preferred one first"
                + ("" if settings.is_openai else "; or is OPENAI_BASE_URL right?")
            )
        if not chosen.listed and chosen.model != self._model:
            missing = "does not list its models" if served is None else f"does not list {chosen.model}"
            _log.warning("%s %s: %s is asked unseen", settings.address, missing, chosen.model)
        self._chosen_at_us = self._clock_us()
        return chosen.model


async def _now(key: Callable[[], str]) -> str:
    return key()
