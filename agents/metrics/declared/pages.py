"""Who asks a worker, and what they are answered."""

from typing import Literal, get_args

from agents.metrics.declared.events import STEP_SECONDS
from agents.metrics.instruments import CounterBy, Declarations
from streams.input.identities import IdentityRefusal

WebRefusal = Literal[
    "token", "role", "attempts", "proxy", "host", "slow", "large", "connections", "streams", "malformed"
]
AnnouncementOutcome = Literal["sent", "failed", "unreadable", "forged"]
PeerOutcome = Literal["answered", "timeout", "unreachable", "misdirected"]
QueryOutcome = Literal["answered", "unknown", "erased", "unavailable", "misdirected", "too_many", "other"]
InferenceKind = Literal["events", "students"]
InferenceOutcome = Literal["answered", "busy", "unreadable", "too_many", "too_large", "slow", "gone", "failed"]


class PageMetrics:
    """Of pages, peers, queries and inference on demand."""

    def __init__(self, declare: Declarations) -> None:
        self.web_refused: CounterBy[WebRefusal] = declare.counter_by(
            "reason",
            "web_refused",
            "requests",
            "Requests to the web pages that were refused (`token`; `role`: the token is another role's, or the "
            "role has none; `attempts`: too many wrong tokens; `proxy`: headers of a proxy from somebody "
            "else; `host`: under a name that is not ours; `malformed`: no HTTP, or too long a line), and "
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
            "restores, or a look-up failed; `misdirected`: another worker asked, and the partition is not here; "
            "`too_many`: more a second than SKILLSTREAM_QUERIES_PER_S, for a second by now).",
            get_args(QueryOutcome),
        )
        self.explanations_indexed = declare.gauge(
            "explanations_indexed",
            "students",
            "Students whose last explanation this worker can find, 16 bytes each; 0 until somebody asks for one.",
            adds_up="yes",
        )
        self.identities = declare.gauge(
            "identities",
            "entries",
            "Other ids of students that are known, where SKILLSTREAM_IDENTITIES_MB is set. Every worker knows all.",
            adds_up="no",
        )
        self.identities_refused: CounterBy[IdentityRefusal] = declare.counter_by(
            "reason",
            "identities_refused",
            "entries",
            "Entries of `identities` that name nobody: `not_an_identity` cannot be read; `foreign_student` is of two "
            "tenants; `full`: more than SKILLSTREAM_IDENTITIES_MB takes.",
            get_args(IdentityRefusal),
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
            "inference_duration_seconds", "seconds", "Time that a request to `/inference/batch` took.", STEP_SECONDS
        )
        self.inference_starts = declare.counter(
            "inference_starts",
            "starts",
            "Times that the inference process was started: at the first request, and after five minutes without one. "
            "More often, look why it ends.",
        )
