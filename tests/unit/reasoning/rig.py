"""An Explainer with everything around it under the test's hand: clock, limit, sleep, alerts."""

import random
from types import TracebackType

from schemas.explanation import Explanation, ReasoningResult
from streams.limits import Bucket, Cost, Decision, MemoryLimiter, Registry
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.openai_model import OpenAIModel, OpenAISettings
from streams.reasoning.model.outcome import Called, Tried
from streams.reasoning.policy.settings import LIMITER, ExplainSettings
from streams.reasoning.reuse import Reuse
from streams.reasoning.shared.answer_cache import AnswerCache
from streams.reasoning.shared.keyed_hash import KeyedHash
from streams.rows.row import Pending
from streams.spending.limits import SpendingLimits
from streams.spending.memory import MemoryAccount
from streams.spending.prices import Price, Prices
from tests.unit.limits.clock import ManualClock
from tests.unit.reasoning.samples import prompt, update

START_US = 1_795_334_400_000_000  # 2026-11-22T08:00:00Z
NO_LIMITS = SpendingLimits()
PATIENT_S = 60.0
"""Longer than any answer takes that comes at all, however busy the machine."""
SETTINGS = ExplainSettings(max_attempts=3, prices=Prices({"gpt-4.1": Price(2.0, 0.5, 8.0)}, ("gpt-4.1",)))


class Rig:
    """`explainer` asks the server at `url` within `limiter`; sleeping moves the clock. After each sleep a rival, as
    long as there are `rivals`, takes the grant that was waited for.
    """

    def __init__(
        self,
        url: str,
        settings: ExplainSettings = SETTINGS,
        calls: int = 1000,
        models: tuple[str, ...] = (),
        limits: SpendingLimits = NO_LIMITS,
        read_timeout_s: float = PATIENT_S,
        total_timeout_s: float = PATIENT_S,
        answers: AnswerCache | None = None,
    ) -> None:
        self.clock = ManualClock(START_US)
        self.alerts: list[str] = []
        self.slept_s: list[float] = []
        self.rivals = 0
        self.events: list[Called | Tried] = []
        self.decisions: list[Decision] = []
        self.limiter = MemoryLimiter(
            LIMITER,
            [Bucket("calls/minute", calls + 1, 60, burst=calls)],
            clock_us=self.clock,
            observe=self.decisions.append,
        )
        self.registry = Registry()
        self.registry.register(self.limiter)
        self.account = MemoryAccount(limits, clock_us=self.clock)
        timeouts = {"read_timeout_s": read_timeout_s, "total_timeout_s": total_timeout_s}
        self.model = OpenAIModel(openai_settings(url, *models, **timeouts), self.clock)
        self.explainer = Explainer(
            self.model,
            prompt(),
            self.clock,
            random.Random(1),
            settings,
            account=self.account,
            registry=self.registry,
            alert=self.alerts.append,
            observe=self.events.append,
            sleep=self._sleep,
            school_separator=":",
            reuse=None if answers is None else Reuse(self.model, answers, KeyedHash("secret")),
        )

    @property
    def grants(self) -> int:
        """Grants that the limit has given."""
        return sum(decision.bucket is None for decision in self.decisions)

    @property
    def outcomes(self) -> list[str]:
        return [event.outcome for event in self.events if isinstance(event, Tried)]

    @property
    def calls(self) -> list[str]:
        """How each request went."""
        return [event.outcome for event in self.events if isinstance(event, Called)]

    async def explain(self, attempts: int = 0) -> tuple[Explanation | None, ReasoningResult]:
        """The samples' update explained, after so many attempts."""
        return await self.explainer.explain(update(), Pending(attempts=attempts))

    async def spend(self, cost: Cost) -> None:
        """Somebody else spends of the limit."""
        await self.limiter.acquire(cost)
        self.decisions.pop()

    async def __aenter__(self) -> "Rig":
        await self.limiter.fill()
        await self.account.begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.model.aclose()

    async def _sleep(self, seconds: float) -> None:
        self.slept_s.append(seconds)
        self.clock.advance(seconds=seconds)
        if self.rivals:
            self.rivals -= 1
            await self.registry[LIMITER].acquire()
            self.decisions.pop()


def openai_settings(
    url: str, *models: str, read_timeout_s: float = PATIENT_S, total_timeout_s: float = PATIENT_S
) -> OpenAISettings:
    """For the server at `url`. It waits for any answer that comes, unless the test is of one that never does."""
    return OpenAISettings(
        api_key="sk-loopback",
        base_url=url,
        models=models or ("gpt-4.1", "gpt-6-luna"),
        connect_timeout_s=PATIENT_S,
        read_timeout_s=read_timeout_s,
        total_timeout_s=total_timeout_s,
    )
