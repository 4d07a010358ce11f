"""Every metric, declared once: name, unit, meaning. docs/metrics.md is printed from here.

None carries a student's id or anything a student wrote: labels are outcomes, reasons, sources, topics.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Final, Literal, get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from agents.logs.handler import LeftOut
from agents.metrics.instruments import CounterBy, Declarations, Declared
from agents.metrics.kafka_lag import KafkaLagMetrics
from schemas.attention import ATTENTION_REASONS, AttentionReason
from schemas.dialects.vocabulary import SHIPPED, Vocabulary
from streams.folding.counts import Counts
from streams.limits import Decision
from streams.reasoning.model.outcome import CallOutcome, RequestOutcome
from streams.rows.row import MAX_ROW_BYTES
from streams.scoring.overrides import Refusal
from streams.spending.usage import TokenUsage
from streams.texts.english import MIN_WORDS

EventOutcome = Literal["applied", "late", "ignored", "duplicates", "dead_lettered", "rerouted", "replayed", "clamped"]
InternalOutcome = Literal[
    "results_applied",
    "results_ignored",
    "results_dead_lettered",
    "erasures_applied",
    "erasures_ignored",
    "erasures_forwarded",
    "erasures_dead_lettered",
]
DisjointOutcome = Literal["applied_in_time", "applied_late", "ignored", "duplicate", "dead_lettered"]
TokenUse = Literal["fresh_input", "cached_input", "answer", "reasoning"]
Generator = Literal["model", "template", "scripted"]
TokenKind = Literal["input", "output"]
AnnouncementOutcome = Literal["sent", "failed", "unreadable", "forged"]
QueryOutcome = Literal["answered", "unknown", "erased", "unavailable", "misdirected", "other"]
PeerOutcome = Literal["answered", "timeout", "unreachable", "misdirected"]
WebRefusal = Literal["token", "role", "attempts", "host", "slow", "large", "connections", "streams"]

SpanOutcome = Literal["exported", "failed"]
InferenceKind = Literal["events", "students"]
InferenceOutcome = Literal["answered", "busy", "unreadable", "too_many", "too_large", "slow", "gone", "failed"]

EVENT_OUTCOMES: Final[tuple[EventOutcome, ...]] = get_args(EventOutcome)

_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LATENCY_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
_RECOVERY_SECONDS: Final = (0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900)
_RECORDS: Final = (1, 10, 50, 100, 250, 500, 1_000, 2_000, 5_000)
_ROW_BYTES: Final = (
    128,
    256,
    512,
    1_024,
    1_536,
    2_048,
    2_560,
    3_072,
    4_096,
    5_120,
    6_144,
    7_168,
    10_240,
    14_336,
    18_432,
    36_864,
    94_208,
)


class Metrics:
    """The metrics of one worker, in a registry of their own. `vocabulary` says which names may be labels."""

    def __init__(self, registry: CollectorRegistry | None = None, vocabulary: Vocabulary = SHIPPED) -> None:
        self.registry = registry or CollectorRegistry()
        self._vocabulary = vocabulary
        self._before_render: list[Callable[[], None]] = []
        declare = Declarations(self.registry)

        self.records = declare.counter("records", "records", "Records read from the source topics.")
        self.events: CounterBy[EventOutcome] = declare.counter_by(
            "outcome",
            "events",
            "events",
            "Where events went. Each is applied, ignored, one of the duplicates or dead_lettered; late and clamped "
            "(the time lay in the future) are parts of applied; rerouted were sent to their owning one, and count "
            "there when they arrive; replayed were read again after a restart, and are in their row already.",
            EVENT_OUTCOMES,
            adds_up="by label",
        )
        self.event_outcomes: CounterBy[DisjointOutcome] = declare.counter_by(
            "outcome",
            "event_outcomes",
            "events",
            "Every event of the partitions here once, by what became of it: the sum is all that there were. Those that "
            "were sent on are counted where they arrive; those read again after a restart were counted before it.",
            get_args(DisjointOutcome),
        )
        self.latency_s = declare.ages(
            "end_to_end_latency_seconds",
            "From a record's timestamp until all that it led to, its student's update among it, is confirmed by the "
            "broker: one observation a record of student-activity, whatever became of it. By the clock of whoever set "
            "the timestamp and this worker's. Records that are read again after a restart are observed again.",
            _LATENCY_SECONDS,
        )
        self.dead_letters: CounterBy[str] = declare.counter_by(
            "reason", "dead_letters", "events", "Events that could not be read, by reason; rare reasons as `other`."
        )
        self.dead_letters_packed = declare.counter(
            "dead_letters_packed",
            "messages",
            "Dead letters that were compressed, being of more than 64 KiB: records near or beyond what one may hold.",
        )
        self.batches_too_large = declare.counter(
            "batches_too_large",
            "batches",
            "Record batches that would unpack to more than SKILLSTREAM_BATCH_MAX_UNPACKED_MB, and were not unpacked: a "
            "part of the dead letters `unreadable_batch`. One that is fetched again, after a restart or a rebalance, "
            "counts again.",
        )
        self.unknown_events = declare.counter_by_name(
            "unknown_events",
            "events",
            "Valid events that have no use, by name: a part of ignored. Names of the shipped tables and the mapping; "
            "all that producers made up are `other`, and `skillstream dialects --seen` lists them. A mapping gives "
            "them a use, see docs/dialects.md.",
        )
        self.seen_names_dropped = declare.counter(
            "seen_names_dropped",
            "names",
            "Names that made room for newer or more frequent ones in what `skillstream dialects --seen` lists "
            "(SKILLSTREAM_SEEN_NAMES).",
        )
        self.tolerated: CounterBy[str] = declare.counter_by(
            "rule",
            "tolerated_faults",
            "events",
            "Events that break a rule of their standard where nobody reads them, and were read all the same; by "
            "dialect and rule, as dead letters name rules. See docs/dialects.md.",
        )
        self.retold = declare.counter(
            "retold_events",
            "events",
            "Events of an act that another event reported before (by another verb, or a mark given again): a part "
            "of duplicates.",
        )
        self.unread_texts: CounterBy[str] = declare.counter_by(
            "reason",
            "unread_texts",
            "events",
            f"Texts that were not read for any skill, being `short` (fewer than {MIN_WORDS} words of the writer's), "
            "`not_english`, or a possible `disclosure` of harm: a part of applied. See docs/language.md.",
        )
        self.forged_headers = declare.counter(
            "forged_headers",
            "records",
            "Records with headers of ours that no key of ours signed: forged, or of a former version. The headers are "
            "ignored, the events are not.",
        )
        self.events_beyond_horizon = declare.counter(
            "events_beyond_horizon",
            "events",
            "Applied events that are no newer than an id of their student's that is not known any more, by "
            "SKILLSTREAM_KNOWN_IDS: late, or repeats that count twice. Nobody can tell which.",
        )
        self.components_given_up = declare.counter(
            "components_given_up",
            "components",
            "Knowledge components that a student's row no longer counts, since it had more than "
            "SKILLSTREAM_COMPONENTS_PER_STUDENT: each time the one with the oldest answer.",
        )
        self.dead_letter_ratio = declare.gauge(
            "dead_letter_ratio",
            "0 to 1",
            "The largest share of unreadable records in any partition's last SKILLSTREAM_DEAD_LETTER_MIN_RECORDS; 0 "
            "before so many were seen. Above SKILLSTREAM_DEAD_LETTER_MAX_RATIO the worker stops.",
        )
        self.internal_records: CounterBy[InternalOutcome] = declare.counter_by(
            "outcome",
            "internal_records",
            "records",
            "Records of reasoning-results and erasures, by outcome. Ignored: a result about a student who "
            "has no row, a null value. Dead-lettered: what others wrote there and nobody can apply.",
            get_args(InternalOutcome),
        )
        self.batches = declare.counter("batches", "batches", "Batches folded.")
        self.batch_records = declare.histogram("batch_records", "records", "Records in a batch.", _RECORDS)
        self.step_duration_s = declare.histogram(
            "step_duration_seconds", "seconds", "Time to decode, fold, score and encode a batch.", _SECONDS
        )
        self.row_bytes = declare.histogram(
            "row_bytes",
            "bytes",
            f"Size of the largest row that a batch wrote; the bound is {MAX_ROW_BYTES}.",
            _ROW_BYTES,
        )

        self.updates = declare.counter("updates", "messages", "Skill updates published.")
        self.attention_records: CounterBy[AttentionReason] = declare.counter_by(
            "reason",
            "attention_records",
            "messages",
            "Records sent to SKILLSTREAM_ATTENTION_TOPIC, by what a text may disclose; 0 while it is off. In a small "
            "class it may tell who: mind who sees it.",
            ATTENTION_REASONS,
        )
        self.degraded_updates = declare.counter(
            "degraded_updates", "messages", "Skill updates published without a source that had failed."
        )
        self.source_failures: CounterBy[str] = declare.counter_by(
            "source", "source_failures", "batches", "Batches in which a source of evidence failed or was late."
        )

        self.fusion_config_refused: CounterBy[Refusal] = declare.counter_by(
            "reason",
            "fusion_config_refused",
            "records",
            "Records of fusion-config that were refused, being no configuration that fits; the one in force stayed. "
            "Those that a start reads again count again.",
            get_args(Refusal),
        )

        self.rescored_students = declare.counter(
            "rescored_students",
            "students",
            "Students scored anew without an event, as `skillstream rescore` asked; those of a partition that was "
            "interrupted count again. Their updates are a part of updates.",
        )

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
            "reasoning_call_duration_seconds", "seconds", "Time that a call to the reasoning model took.", _SECONDS
        )
        self.calls_granted = declare.counter("calls_granted", "calls", "Calls that the limits admitted.")
        self.calls_refused: CounterBy[str] = declare.counter_by(
            "bucket",
            "calls_refused",
            "calls",
            "Calls that the limits refused, by the bucket that was spent, or `hold`.",
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
            "worker was there: as `usd/day 80%`; `school usd/day 80%` of any school's.",
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

        self.students = declare.gauge(
            "students", "rows", "Students in the table's partitions held here.", adds_up="yes"
        )
        self.partitions_owned = declare.gauge(
            "partitions_owned", "partitions", "Partitions that this worker owns.", adds_up="yes"
        )
        self.table_recovered = declare.gauge(
            "table_recovered", "0 or 1", "1 when the rows of all owned partitions are restored."
        )
        self.broker_outage_s = declare.gauge(
            "broker_away_seconds",
            "s",
            "For how long a broker that does not answer has been waited for; 0 while it answers. The worker ends with "
            "3 after `SKILLSTREAM_BROKER_WAIT_S`.",
        )
        self.certificate_end_s = declare.gauge_by(
            ("setting",),
            "certificate_expiry_timestamp_seconds",
            "seconds since 1970",
            "When the first of the certificates ends that `broker_ca` or `broker_certificate` names, as it was at the "
            "worker's start. Take the min. Absent where none is set.",
        )
        self.loop_longest_block_s = declare.gauge(
            "loop_longest_block_seconds",
            "seconds",
            "The longest time since the start for which the event loop stood still, and the pages with it; a paused "
            "process and a machine that is too busy count. Above 1 something works in the loop that should not.",
        )
        self.web_refused: CounterBy[WebRefusal] = declare.counter_by(
            "reason",
            "web_refused",
            "requests",
            "Requests to the web pages that were refused (`token`; `role`: the token is another role's, or the "
            "role has none; `attempts`: too many wrong tokens; `host`: under a name that is not ours), and "
            "connections that were cut (`slow`; `large`; `connections`: more than SKILLSTREAM_WEB_CONNECTIONS). "
            "`streams` are pages that were not kept up to date: more than SKILLSTREAM_WEB_STREAMS were open.",
            get_args(WebRefusal),
        )
        self.announcements: CounterBy[AnnouncementOutcome] = declare.counter_by(
            "outcome",
            "announcements",
            "announcements",
            "What this worker announced of itself to the others (`sent`, `failed`), and what it passed over on their "
            "topic (`unreadable`; `forged`: not signed by a worker of this deployment).",
            get_args(AnnouncementOutcome),
        )
        self.peer_requests: CounterBy[PeerOutcome] = declare.counter_by(
            "outcome",
            "peer_requests",
            "requests",
            "What this worker asked others (`misdirected`: another worker than the one that was meant answered).",
            get_args(PeerOutcome),
        )
        self.queries: CounterBy[QueryOutcome] = declare.counter_by(
            "outcome",
            "queries",
            "queries",
            "What this worker was asked about students, also on behalf of others (`unavailable`: the owner is away or "
            "restores, or a look-up failed; `misdirected`: another worker asked, and the partition is not here).",
            get_args(QueryOutcome),
        )
        self.explanations_indexed = declare.gauge(
            "explanations_indexed",
            "students",
            "Students whose last explanation this worker can find, 16 bytes each; 0 until somebody asks for one.",
            adds_up="yes",
        )
        self.inference_requests: CounterBy[InferenceOutcome] = declare.counter_by(
            "outcome",
            "inference_requests",
            "requests",
            "Requests to `/inference/batch`: `answered` to the end; refused as `busy` (more than "
            "SKILLSTREAM_INFERENCE_REQUESTS at once), `unreadable`, `too_many` (SKILLSTREAM_INFERENCE_ITEMS), "
            "`too_large` (SKILLSTREAM_INFERENCE_MAX_MB); cut for being `slow` (SKILLSTREAM_INFERENCE_PAUSE_S, "
            "SKILLSTREAM_INFERENCE_TIMEOUT_S); `gone`: nobody reads the answer; `failed`: the inference process did.",
            get_args(InferenceOutcome),
        )
        self.inference_items: CounterBy[InferenceKind] = declare.counter_by(
            "of",
            "inference_items",
            "items",
            "Items that were read of their bodies, by what they are.",
            ["events", "students"],
        )
        self.inference_in_progress = declare.gauge(
            "inference_in_progress", "requests", "Requests to `/inference/batch` that are under way.", adds_up="yes"
        )
        self.inference_duration_s = declare.histogram(
            "inference_duration_seconds", "seconds", "Time that a request to `/inference/batch` took.", _SECONDS
        )
        self.inference_starts = declare.counter(
            "inference_starts",
            "starts",
            "Times that the inference process was started: at the first request, and after five minutes without one. "
            "More often, look why it ends.",
        )
        self.rebalances = declare.counter("rebalances", "rebalances", "Times that partitions were given up.")
        self.recovery_duration_s = declare.histogram(
            "recovery_duration_seconds", "seconds", "Time from losing partitions to restored rows.", _RECOVERY_SECONDS
        )
        self.rows_repaired = declare.counter(
            "rows_repaired",
            "rows",
            "Rows appended to the changelog again, because another worker (paused, and late) had written them while "
            "their partition was ours. Above 0: look why a worker was paused.",
        )
        self.lag_records = declare.gauge_by(
            ("topic", "partition"),
            "consumer_lag_records",
            "records",
            "Records between what the group has committed and the partition's end, by the broker's own figures. Every "
            "worker reports all partitions: take the max by (topic, partition). Absent while it is unknown.",
        )
        self.position_jumps: CounterBy[str] = declare.counter_by(
            "topic",
            "position_jumps",
            "jumps",
            "Times that a position was reset, as the topic did not hold any more what was due: retention was faster.",
        )
        self.skipped_offsets: CounterBy[str] = declare.counter_by(
            "topic", "skipped_offsets", "offsets", "Offsets that were passed over by these jumps, and never read."
        )
        self.held_records = declare.gauge_by(
            ("topic", "partition"),
            "open_transaction_records",
            "records",
            "Records behind an open transaction, which nobody can read before it ends; no part of the lag. Absent "
            "where there is none.",
        )
        self.held_s = declare.gauge_by(
            ("topic", "partition"),
            "open_transaction_seconds",
            "seconds",
            "For how long the same open transaction was seen to hold them. Above SKILLSTREAM_OPEN_TRANSACTION_S health "
            "is degraded.",
        )
        self.lag_age_s = declare.gauge(
            "consumer_lag_age_seconds", "seconds", "How old the lag's figures are; NaN before the first."
        )
        self.lag_status = declare.gauge_by(
            ("topic", "partition", "status"),
            "consumer_lag_status",
            "1",
            "1 for the status that the partition has by [Burrow's rules](lag.md#status): OK, WARN, ERR, STOP, STALL or "
            "REWIND. Absent where it is not known yet, and in workers that do not own partition 0.",
            adds_up="yes",
        )
        self.kafka_lag = KafkaLagMetrics(declare)
        self.spans: CounterBy[SpanOutcome] = declare.counter_by(
            "outcome",
            "trace_spans",
            "spans",
            "Spans for SKILLSTREAM_TRACES: `exported`, or `failed` as the receiver did not take them. Those that found "
            "no room in OpenTelemetry's queue (OTEL_BSP_MAX_QUEUE_SIZE) are in the log alone.",
            get_args(SpanOutcome),
        )
        self.untraced_records = declare.counter(
            "untraced_records",
            "records",
            "Records with a `traceparent`, sampled or not, whose trace ended here, as those of "
            "SKILLSTREAM_TRACES_PER_BATCH others of their batch went on.",
        )
        self.log_lines_left_out: CounterBy[LeftOut] = declare.counter_by(
            "why",
            "log_lines_left_out",
            "lines",
            "Lines that were not logged: libraries' repeats, which are counted in a line a minute, and lines over "
            "SKILLSTREAM_LOG_LINES_PER_S.",
            get_args(LeftOut),
        )
        self.build_info = declare.gauge_by(
            ("version", "config_version", "model"), "build_info", "1", "What runs here: always 1, see the labels."
        )
        self.declared: tuple[Declared, ...] = tuple(declare.made)
        ProcessCollector(registry=self.registry)

    def add_counts(self, counts: Counts) -> None:
        """Add a batch's counts. To be called once a batch."""
        self.records.add(counts.records_in)
        for outcome in EVENT_OUTCOMES:
            self.events.add(outcome, getattr(counts, outcome))
        self.event_outcomes.add("applied_in_time", counts.applied - counts.late)
        self.event_outcomes.add("applied_late", counts.late)
        self.event_outcomes.add("ignored", counts.ignored)
        self.event_outcomes.add("duplicate", counts.duplicates)
        self.event_outcomes.add("dead_lettered", counts.dead_lettered)
        self.retold.add(counts.retold)
        for reason, texts in counts.unread_texts.items():
            self.unread_texts.add(reason, texts)
        self.forged_headers.add(counts.forged_headers)
        self.events_beyond_horizon.add(counts.beyond_horizon)
        self.components_given_up.add(counts.components_given_up)
        for reason, events in counts.reasons.items():
            self.dead_letters.add(reason, events)
        for (dialect, name), events in counts.unknown.items():
            self.unknown_events.add(dialect, self._vocabulary.label(dialect, name), events)
        for (dialect, rule), events in counts.tolerated.items():
            self.tolerated.add(f"{dialect} {rule}", events)

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

    def built(self, config_version: str, model: str) -> None:
        """Say what runs here."""
        self.build_info.replace({(version("skillstream"), config_version, model): 1.0})

    def before_render(self, refresh: Callable[[], None]) -> None:
        """Have `refresh` set gauges whenever somebody looks. It must not block."""
        self._before_render.append(refresh)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics in Prometheus's text format (or OpenMetrics, if `accept` asks for it), and the content type."""
        self.refresh()
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def refresh(self) -> None:
        """Bring the gauges up to date."""
        for refresh in self._before_render:
            refresh()
