"""Explaining one update: budget, call, check, and what to do when any of them refuses.

    limit ──► model ──► check ──► explanation
      │         │          └─ rejected: once more, with the reasons; then the template
      │         ├─ 429: all hold, this student not before then        ├─ no credit, bad key: pause, alert
      │         ├─ refused: the template; every request refused: pause, alert
      │         └─ 5xx, time-out, what nobody foresaw: later, backing off; the template after `max_attempts`
      ├─ spent: RateLimitExceeded to the caller, who waits; nothing is written
      └─ no money before the day, week or month ends: the template

No request is sent for a student that is not wanted any more.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from random import Random
from typing import Literal

from schemas.bounds import LATEST_US, MAX_UINT32
from schemas.explanation import CallUsage, Explanation, ReasoningResult
from schemas.update import SkillProfile, SkillUpdate
from streams.limits import LIMITERS, CostTooLarge, LimitUnavailable, Registry
from streams.reasoning.asking import BudgetedModel, CheckedAnswer, insist_on
from streams.reasoning.assembly import assemble
from streams.reasoning.counted import NO_CHANGES, SkillChange
from streams.reasoning.model import template
from streams.reasoning.model.bulkhead import bulkhead
from streams.reasoning.model.outcome import CallObserver, RequestOutcome, Tried, ignore_call
from streams.reasoning.model.reasoning_model import (
    Draft,
    ModelBlocked,
    ModelError,
    ModelFailed,
    ModelRefused,
    ModelThrottled,
    ModelUnavailable,
    ReasoningModel,
    RequestRefused,
)
from streams.reasoning.paid import CallTally, unnoticed
from streams.reasoning.policy.backoff import Backoff
from streams.reasoning.policy.breaker import Breaker
from streams.reasoning.policy.condition import Condition
from streams.reasoning.policy.settings import ExplainSettings
from streams.reasoning.request.prompt import Prompt, Question
from streams.reasoning.reuse import Reuse
from streams.rows.row import Pending
from streams.scoring.updates import rfc3339
from streams.spending.account import MoneySpent, SpendingAccount
from streams.spending.limits import SpendingLimits, no_tenant, school_of
from streams.spending.memory import MemoryAccount

Explained = tuple[Explanation | None, ReasoningResult]
_log = logging.getLogger(__name__)


def always() -> bool:
    """Wanted, whatever happens."""
    return True


class Explainer:
    """Explains updates, one at a time or several at once, within the limit LIMITER of `registry`.

    `clock_us` is the clock of the rows' Pending column; `alert` is called where a person must act; `account` pays,
    without limits where there is none, for the school that stands before `school_separator` in a student's id, and for
    whose the student is by `tenant_of`; `reuse` has answers to requests that were made before. A cancelled call keeps
    its grant charged, and writes nothing.
    """

    def __init__(
        self,
        model: ReasoningModel,
        prompt: Prompt,
        clock_us: Callable[[], int],
        rng: Random,
        settings: ExplainSettings | None = None,
        *,
        account: SpendingAccount | None = None,
        registry: Registry = LIMITERS,
        alert: Callable[[str], None] = _log.error,
        observe: CallObserver = ignore_call,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        school_separator: str = "",
        reuse: Reuse | None = None,
        tenant_of: Callable[[str], str] = no_tenant,
    ) -> None:
        self._model = model
        self._reuse = reuse
        self._prompt = prompt
        self._clock_us = clock_us
        self._rng = rng
        self._settings = settings or ExplainSettings()
        self._observe = observe
        self._school_separator = school_separator
        self._tenant_of = tenant_of
        self._breaker = Breaker(self._settings.blocked_pause_s, alert, self._settings.outage)
        self._condition = Condition()
        self._unready: str | None = None
        self._backoff = Backoff(self._settings.backoff_s, self._settings.max_backoff_s)
        self._asked = BudgetedModel(
            model,
            self._breaker,
            clock_us,
            self._settings,
            account or MemoryAccount(SpendingLimits(), clock_us=clock_us),
            registry=registry,
            observe=observe,
            sleep=sleep,
        )

    @property
    def paused_because(self) -> str | None:
        """Why no calls are made, be it for a person to see to or for a while; None while they are."""
        return self._breaker.why

    @property
    def trouble(self) -> str | None:
        """Why no explanations are made, whoever or whatever it takes to change that; None while they are."""
        return self._breaker.why or self._condition.why

    async def prepare(self) -> ModelError | None:
        """Look, without a call, whether explanations can be made; what is wrong, or None. `trouble` then has it."""
        try:
            with bulkhead("looking for the model"):
                await self._model.prepare()
        except ModelError as error:
            blocked = isinstance(error, ModelBlocked)
            if blocked:  # a list that is refused is no proof: the first call is
                self._breaker.trip(str(error), self._clock_us(), probe_now=True)
            self._condition.fail(str(error), lasting=True, notified=blocked)
            self._unready = str(error)
            return error
        if self._unready is not None and self.trouble == self._unready:
            self._breaker.close()
            self._condition.work()
        self._unready = None
        return None

    async def explain(
        self,
        update: SkillUpdate,
        pending: Pending,
        moved: Collection[str] | None = None,
        changes: Mapping[str, SkillChange] = NO_CHANGES,
        *,
        wanted: Callable[[], bool] = always,
        sending: Callable[[], None] = unnoticed,
    ) -> Explained:
        """Explain `update`; what to publish, and what to write back: `explained` with the scores of `update`, to which
        whoever has the row adds what it notes of profiles (`streams.reasoning.policy.explained`).

        The model is asked about the skills that `moved` (None: all); of the others the template tells, which costs
        nothing. `changes` say what was counted since each skill was last explained; `sending` is called when a request
        has leave to be sent.

        The explanation is None where the student has to wait. Where nothing was done at all, raises: RateLimitExceeded
        or ReasoningPaused (both with `retry_after_s`), LimitUnavailable, NotWanted. Every other failure becomes
        a result.
        """
        question = self._prompt.question(update, moved, changes)
        attempts = pending.attempts
        student = update.student_id
        tally = CallTally(school_of(student, self._school_separator), sending, self._tenant_of(student))
        if not question.request.skills:
            untold = question.language.code == "en" or not question.skills
            why: RequestOutcome = "template_nothing_to_ask" if untold else "template_language"
            return self._template(update, question, attempts, why, tally)
        if (reused := await self._reused(update, question, attempts, wanted)) is not None:
            return reused
        self._breaker.check(self._clock_us())
        if attempts > 0 and not self._asked.may_try_again:
            return self._later(update, attempts, self._backoff.longest_s(self._rng), "later_retries_spent")
        began_us = self._clock_us()
        try:
            with bulkhead("explaining"):
                return await self._answered(update, question, attempts, wanted, tally)
        except ModelThrottled as error:
            self._condition.fail(str(error))
            with suppress(ModelFailed), bulkhead("holding the limit"):
                await self._asked.hold(error.retry_after_s)
            return self._later(update, attempts, error.retry_after_s, "later_throttled")
        except ModelBlocked as error:
            self._block(str(error))
            return self._later(update, attempts, self._settings.blocked_pause_s, "later_blocked")
        except ModelUnavailable as error:
            lasting = self._breaker.why is not None
            self._condition.fail_since(str(error), began_us, self._clock_us(), lasting=lasting)
            return self._unavailable(update, question, attempts + 1, error.retry_after_s, tally)
        except ModelRefused as error:
            self._refused(error)
            return self._template(update, question, attempts, "template_refused", tally)
        except CostTooLarge as error:
            self._condition.fail(str(error))
            return self._template(update, question, attempts, "template_too_large", tally)
        except MoneySpent:  # the account's own alerts say so: nothing is wrong with the model
            return self._template(update, question, attempts, "template_spent", tally)
        except LimitUnavailable as error:
            if not error.whose:
                self._condition.fail(str(error))
            raise

    async def _answered(
        self, update: SkillUpdate, question: Question, attempts: int, wanted: Callable[[], bool], tally: CallTally
    ) -> Explained:
        """The model's explanation, or a template for answers that fail the check. Raises as `BudgetedModel.ask`."""
        answer = await self._asked.ask(question.request, wanted, tally, again=attempts > 0)
        if answer is None:
            self._condition.fail("the model's answers do not pass the check")
            return self._template(update, question, attempts, "template_rejected", tally)
        if self._reuse is not None:
            await self._reuse.keep(question.request, answer)
        explained = self._by_answer(update, question, answer, attempts, usage=tally.usage())
        self._condition.work()
        self._observe(Tried("explained"))
        return explained

    async def _reused(
        self, update: SkillUpdate, question: Question, attempts: int, wanted: Callable[[], bool]
    ) -> Explained | None:
        """The explanation by an answer that was kept, which costs nothing; None without one. Raises NotWanted."""
        if self._reuse is None:
            return None
        with suppress(ModelFailed), bulkhead("reading a kept answer"):
            answer = await self._reuse.find(question.request)
            if answer is not None:
                insist_on(wanted)
                explained = self._by_answer(update, question, answer, attempts, reused=True)
                self._observe(Tried("reused"))
                return explained
        return None

    def _by_answer(
        self,
        update: SkillUpdate,
        question: Question,
        answer: CheckedAnswer,
        attempts: int,
        *,
        usage: CallUsage | None = None,
        reused: bool = False,
    ) -> Explained:
        """The explanation by `answer`; a template tells the skills that it lacks."""
        answered = {drafted.skill for drafted in answer.draft.skills}
        rest = [skill for skill in question.skills if skill.skill not in answered]
        explanation = assemble(
            update,
            question,
            Draft(skills=[*answer.draft.skills, *template.draft_of(rest, question.language).skills]),
            self._model.generator,
            answer.model,
            rfc3339(self._clock_us()),
            usage=usage,
            reused=reused,
            templated=[skill.skill for skill in rest],
        )
        return explanation, self._result(update, "explained", attempts, explained=_scores(update, question))

    def _block(self, why: str) -> None:
        self._condition.fail(why, lasting=True, notified=True)
        self._breaker.trip(why, self._clock_us())

    def _refused(self, error: ModelRefused) -> None:
        """Note it; a server that refuses every request is not asked for a template's worth each time."""
        self._condition.fail(str(error))
        if isinstance(error, RequestRefused) and self._condition.failures_in_a_row >= self._settings.max_refused:
            self._block(f"{error}, as it did every request: are OPENAI_BASE_URL and SKILLSTREAM_OPENAI_MODELS right?")

    def _unavailable(
        self, update: SkillUpdate, question: Question, attempts: int, least_wait_s: float, tally: CallTally
    ) -> Explained:
        if attempts >= self._settings.max_attempts:
            return self._template(update, question, attempts, "template_gave_up", tally)
        wait_s = max(least_wait_s, self._backoff.wait_s(attempts, self._rng))
        return self._later(update, attempts, wait_s, "later_unavailable")

    def _later(self, update: SkillUpdate, attempts: int, wait_s: float, outcome: RequestOutcome) -> Explained:
        self._observe(Tried(outcome))
        return None, self._result(update, "failed", attempts, wait_s)

    def _template(
        self, update: SkillUpdate, question: Question, attempts: int, outcome: RequestOutcome, tally: CallTally
    ) -> Explained:
        self._observe(Tried(outcome))
        draft = template.draft_of(question.skills, question.language)
        now = rfc3339(self._clock_us())
        reason, usage, version = outcome.removeprefix("template_"), tally.usage(), template.TEMPLATE_VERSION
        explanation = assemble(update, question, draft, "template", version, now, reason=reason, usage=usage)
        return explanation, self._result(update, "explained", attempts, explained=_scores(update, question))

    def _result(
        self,
        update: SkillUpdate,
        outcome: Literal["explained", "failed"],
        attempts: int,
        wait_s: float = 0.0,
        explained: dict[str, float] | None = None,
    ) -> ReasoningResult:
        at_us = self._clock_us()
        return ReasoningResult(
            version=1,
            student_id=update.student_id,
            seq=update.seq,
            outcome=outcome,
            attempts=min(attempts, MAX_UINT32),
            at_us=at_us,
            not_before_us=min(at_us + round(wait_s * 1e6), LATEST_US) if outcome == "failed" else 0,
            explained=explained,
        )


def _scores(update: SkillUpdate, question: Question) -> dict[str, float]:
    """The scores of the skills that had moved."""
    return {
        name: skill.score
        for name, skill in update.skills.items()
        if not isinstance(skill, SkillProfile) and question.is_moved(name)
    }
