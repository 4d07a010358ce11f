"""What comes in, and what becomes of it."""

from typing import Final, Literal, get_args

from agents.metrics.instruments import CounterBy, Declarations
from schemas.dialects.vocabulary import Vocabulary
from streams.folding.counts import Counts
from streams.rows.row import MAX_ROW_BYTES
from streams.texts.english import MIN_WORDS

EventOutcome = Literal["applied", "late", "ignored", "duplicates", "dead_lettered", "rerouted", "replayed", "clamped"]
DisjointOutcome = Literal["applied_in_time", "applied_late", "ignored", "duplicate", "dead_lettered"]
InternalOutcome = Literal[
    "results_applied",
    "results_ignored",
    "results_dead_lettered",
    "erasures_accepted",
    "erasures_applied",
    "erasures_ignored",
    "erasures_forwarded",
    "erasures_dead_lettered",
]

EVENT_OUTCOMES: Final[tuple[EventOutcome, ...]] = get_args(EventOutcome)

STEP_SECONDS: Final = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_LATENCY_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600)
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


class EventMetrics:
    """Of records, events and batches. `vocabulary` says which names may be labels."""

    def __init__(self, declare: Declarations, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
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
            "Records of reasoning-results and erasures, by outcome. Accepted: a request to erase; applied: its "
            "acceptance. Ignored: a result about a student who has no row, a null value, what is known. Dead-lettered: "
            "what others wrote there and nobody can apply.",
            get_args(InternalOutcome),
        )
        self.batches = declare.counter("batches", "batches", "Batches folded.")
        self.batch_records = declare.histogram("batch_records", "records", "Records in a batch.", _RECORDS)
        self.step_duration_s = declare.histogram(
            "step_duration_seconds", "seconds", "Time to decode, fold, score and encode a batch.", STEP_SECONDS
        )
        self.row_bytes = declare.histogram(
            "row_bytes",
            "bytes",
            f"Size of the largest row that a batch wrote; the bound is {MAX_ROW_BYTES}.",
            _ROW_BYTES,
        )

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
