"""What is explained, by whom, and what that costs."""

from typing import Literal, get_args

from agents.metrics.declared.events import STEP_SECONDS
from agents.metrics.instruments import CounterBy, Declarations
from streams.limits import Decision
from streams.reasoning.model.outcome import CallOutcome, RequestOutcome
from streams.spending.usage import TokenUsage

Generator = Literal["model", "template", "scripted"]
TokenKind = Literal["input", "output"]
TokenUse = Literal["fresh_input", "cached_input", "answer", "reasoning"]


class ExplanationMetrics:
    """Of explanations, calls, tokens, money and limits."""

    def __init__(self, declare: Declarations) -> None:
        self.explanations: CounterBy[Generator] = declare.counter_by(
            "generator", "explanations", "messages", "Explanations published, by who wrote them.", get_args(Generator)
        )
        self.templates: CounterBy[str] = declare.counter_by(
            "reason",
            "templates",
            "messages",
            "Explanations by the template, by the reason why no model wrote them.",
            [outcome.removeprefix("template_") for outcome in get_args(RequestOutcome) if "template_" in outcome],
        )
        self.reused_answers = declare.counter(
            "reused_answers",
            "messages",
            "Explanations by an answer that was kept: no call was made, nothing was spent.",
        )
        self.evicted_answers = declare.counter(
            "evicted_answers",
            "answers",
            "Kept answers that made room for newer ones, as more than SKILLSTREAM_CACHED_ANSWERS were kept.",
        )
        self.reasoning_calls: CounterBy[CallOutcome] = declare.counter_by(
            "outcome", "reasoning_calls", "calls", "Calls to the reasoning model.", get_args(CallOutcome)
        )
        self.reasoning_call_duration_s = declare.histogram(
            "reasoning_call_duration_seconds", "seconds", "Time that a call to the reasoning model took.", STEP_SECONDS
        )
        self.calls_granted = declare.counter("calls_granted", "calls", "Calls that the limits admitted.")
        self.calls_refused: CounterBy[str] = declare.counter_by(
            "bucket",
            "calls_refused",
            "calls",
            "Calls that the limits refused, by the bucket that was spent, or `hold`; by a tenant's own bucket as "
            "`tenant calls/minute`.",
        )
        self.tokens: CounterBy[TokenKind] = declare.counter_by(
            "kind", "tokens", "tokens", "Tokens that the provider says it used.", get_args(TokenKind)
        )
        self.spend_usd = declare.counter(
            "spend_usd",
            "US dollars",
            "What those tokens cost, by the configured prices; of a call whose use the provider did not tell, what was "
            "reserved.",
        )
        self.model_calls = declare.counter_by_model(
            "outcome", "model_calls", "calls", "The same calls by model, as the provider named it, and by outcome."
        )
        self.model_tokens = declare.counter_by_model(
            "kind",
            "model_tokens",
            "tokens",
            "The same tokens by model: `input`, of which `cached` were read from the provider's cache; `output`, of "
            "which `reasoning` are in no text.",
            adds_up="by label",
        )
        self.model_token_uses = declare.counter_by_model(
            "use",
            "model_token_uses",
            "tokens",
            "The same tokens, each once: `fresh_input` and `cached_input`, `answer` and `reasoning`.",
        )
        self.model_spend_usd: CounterBy[str] = declare.counter_by(
            "model", "model_spend_usd", "US dollars", "The same US dollars by model."
        )
        self.budget_used = declare.gauge_by(
            ("limit",),
            "budget_used_ratio",
            "0 to 1, and above where more was used than reserved",
            "What is spent of each limit of the whole deployment, as the ledger said last: `usd/day`, `usd/week`, "
            "`usd/month`, `tokens/minute`. Every worker reports all: take the max. Absent without a limit.",
        )
        self.budget_left_usd = declare.gauge_by(
            ("limit",),
            "budget_left_usd",
            "US dollars",
            "What is left of each limit of money of the whole deployment, as the ledger said last: `usd/day`, "
            "`usd/week`, `usd/month`. Every worker reports all: take the min. Absent without a limit.",
        )
        self.budget_alerts: CounterBy[str] = declare.counter_by(
            "limit",
            "budget_alerts",
            "alerts",
            "Times that 50, 80 or 100 % of a limit of money were reached, once each a period and limit, by whichever "
            "worker was there: as `usd/day 80%`; `school usd/day 80%` of any school's, `tenant usd/day 80%` of any "
            "tenant's.",
        )
        self.budget_owed_usd = declare.gauge(
            "budget_owed_usd",
            "US dollars",
            "What this worker spent while Redis was away, and has not written to the ledger yet.",
            adds_up="yes",
        )
        self.calls_at_once = declare.gauge(
            "calls_at_once",
            "calls",
            "How many calls this worker may have under way: the rate of the limits times how long a call takes, at "
            "most SKILLSTREAM_CALLS_AT_ONCE.",
            adds_up="yes",
        )
        self.pending_students = declare.gauge(
            "pending_students", "students", "Students owed an explanation.", adds_up="yes"
        )
        self.calls_in_flight = declare.gauge(
            "calls_in_flight", "calls", "Calls to the reasoning model under way.", adds_up="yes"
        )
        self.left_out = declare.counter(
            "left_out",
            "times",
            "Times that a student who is owed an explanation found no room in the queue, or was worth less than those "
            "in it. They stay owed, are looked for again, and count again each time.",
        )
        self.not_explained = declare.counter(
            "not_explained",
            "students",
            "Students given up for lack of budget: others were worth more until the horizon passed.",
        )
        self.reasoning_paused = declare.gauge(
            "reasoning_paused",
            "0 or 1",
            "1 while no call is made: the circuit breaker is open, or the model's server refuses (a key, a quota). "
            "`/health/detailed` says why. NaN where reasoning is off.",
        )
        self.limits_degraded = declare.gauge(
            "limits_degraded", "0 or 1", "1 while Redis is away and this worker spends its local share only."
        )

    def add_tokens(self, model: str, usage: TokenUsage) -> None:
        """Add what a call to `model` used."""
        self.tokens.add("input", usage.input_tokens)
        self.tokens.add("output", usage.output_tokens)
        for kind in ("input", "cached", "output", "reasoning"):
            self.model_tokens.add(model, kind, getattr(usage, f"{kind}_tokens"))
        # A provider may say that a part is more than its whole.
        cached, reasoning = (
            min(usage.cached_tokens, usage.input_tokens),
            min(usage.reasoning_tokens, usage.output_tokens),
        )
        uses: dict[TokenUse, int] = {
            "fresh_input": usage.input_tokens - cached,
            "cached_input": cached,
            "answer": usage.output_tokens - reasoning,
            "reasoning": reasoning,
        }
        for use, tokens in uses.items():
            self.model_token_uses.add(model, use, tokens)

    def decided(self, decision: Decision) -> None:
        """Count an answer of a limiter; fits `streams.limits.Observer`."""
        if decision.bucket is None:
            self.calls_granted.add()
        else:
            self.calls_refused.add(decision.bucket)
