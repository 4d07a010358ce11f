"""The topics: what each carries, how it is keyed and kept, and what this program does with it.

Names are without the prefix that a deployment may give them. All share a partition count, and all but `fusion-config`,
`skill-catalogue`, `norms`, `norm-shards`, `skillstream-workers`, `audit`, `tenant-holds`, `identities` and
`identity-starts` are keyed by student.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

DAY_MS: Final = 86_400_000
_MINUTE_MS: Final = 60_000
DEAD_LETTER_DAYS: Final = 28
"""Unless SKILLSTREAM_DEAD_LETTER_RETENTION_DAYS says otherwise."""
MAX_RECORD_BYTES: Final = 12 * 1024 * 1024
DEAD_LETTER_HEADROOM_BYTES: Final = 64 * 1024
"""A dead letter's headers come on top of the largest record."""
MAX_SENT_BYTES: Final = MAX_RECORD_BYTES + DEAD_LETTER_HEADROOM_BYTES
"""The largest record batch that may be sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """`config` holds Kafka's own names, as the topic is created; `headers` are those that mean something to us.

    `receives` and `sends` say what this program does with it, empty for nothing.
    """

    name: str
    summary: str
    key: str
    config: Mapping[str, str]
    headers: Mapping[str, str] = field(default_factory=dict)
    receives: str = ""
    sends: str = ""


_STUDENT: Final = "The student's id in UTF-8, as in `student_id`; placed by murmur2 (SKILLSTREAM_PARTITIONER)."
_TRACE: Final = {
    "traceparent": "W3C Trace Context, where traces are on (SKILLSTREAM_TRACES) and what led to the record came with a "
    "sampled one.",
    "tracestate": "Beside it, as the producer gave it.",
}
_COMPACTED: Final = {
    "cleanup.policy": "compact,delete",
    "retention.ms": str(365 * DAY_MS),
    "max.compaction.lag.ms": str(DAY_MS),  # what was said of a student who was erased is gone after a day
}

ACTIVITY: Final = Topic(
    name="student-activity",
    summary="What students do: one native event a record, or a record of another dialect.",
    key=_STUDENT,
    config={
        "cleanup.policy": "delete",
        "retention.ms": str(7 * DAY_MS),
        "max.message.bytes": str(MAX_RECORD_BYTES),
    },
    headers={
        "skillstream-origin": "Ours, on an event sent on to its student's partition: topic/partition/offset/index of "
        "the record that it came from. Producers leave it away.",
        "skillstream-reinserted": "Ours, on a record that `skillstream dead-letters replay` sent back: "
        "topic/partition@offset of the dead letter, and when (ms) the record first came. Producers leave it away.",
        "skillstream-signature": "Ours, beside these two: a key's id and an HMAC-SHA256 of them, of the topic, the "
        "partition, the key and the value. Headers of ours that it does not fit are ignored; their event is not.",
        "skillstream-tenant": "Of producers of a deployment with tenants: the tenant's name, a key's id and an "
        "HMAC-SHA256 of the name, the key and the value, with colons between (docs/tenants.md).",
        "traceparent": "W3C Trace Context, of producers that trace: where traces are on (SKILLSTREAM_TRACES) a sampled "
        "one goes on to the student's update and explanation.",
        "tracestate": "Beside it: passed on as it is.",
    },
    receives="Each event is folded once, on its student's partition; what cannot be read becomes a dead letter.",
    sends="Events that came on another partition than their student's are sent on, as native events; "
    "`skillstream dead-letters replay` sends back what can be read by now.",
)
UPDATES: Final = Topic(
    name="skill-updates",
    summary="What is believed of a student's skills. Each message stands alone: the newest of a key is all there is to "
    "know. A null value says that the student was erased.",
    key=_STUDENT,
    config=_COMPACTED,
    headers=_TRACE,
    sends="One message a changed student and batch.",
)
HISTORY: Final = Topic(
    name="skill-history",
    summary="How a student's scores went, week by week: up to 51 weeks that are over. Each message stands alone: the "
    "newest of a key is all there is to know. A null value says that the student was erased.",
    key=_STUDENT,
    config=_COMPACTED,
    sends="One message a student whose week turned, by the time of events; after a crash it may come twice.",
)
REASONING: Final = Topic(
    name="skill-reasoning",
    summary="Explanations of updates, for the students who need one most. A null value says that the student was "
    "forgotten.",
    key=_STUDENT,
    config=_COMPACTED,
    headers=_TRACE,
    sends="One message an explanation.",
)
DEAD_LETTERS: Final = Topic(
    name="dead-letters",
    summary="Records that could not be read: key and value as they came, why and from where in headers, then the "
    "producer's own headers; where `dl-redacted` says so, keyed hashes of these. On the partition of the number that "
    "the record was read from.",
    key="The record's own, untouched, or its keyed hash; may be null. With SKILLSTREAM_DEAD_LETTER_KEYS=unique one "
    "that comes once; the record's is in `dl-key` then, and a null value says that the dead letter is erased.",
    config={
        "cleanup.policy": "delete",
        "retention.ms": str(DEAD_LETTER_DAYS * DAY_MS),
        "segment.ms": str(DAY_MS),  # Kafka deletes whole segments: none is kept for more than a day beyond its time
        "max.message.bytes": str(MAX_SENT_BYTES),
    },
    receives="`skillstream dead-letters` lists them and sends them back; a worker that starts counts the newest.",
    sends="One message an unreadable record, or part of a record; after a crash it may come twice.",
)
RESULTS: Final = Topic(
    name="reasoning-results",
    summary="Internal: what became of each try to explain. For workers; others neither write nor rely on it.",
    key=_STUDENT,
    config={"cleanup.policy": "delete", "retention.ms": str(7 * DAY_MS)},
    receives="Read back into the student's row. Idempotent.",
    sends="One message a try.",
)
ERASURES: Final = Topic(
    name="erasures",
    summary="Requests to forget a student, and what workers answer: at which offsets the input ended then. All that "
    "first came before these is erased, whatever its time, and null values go to skill-updates, skill-history and "
    "skill-reasoning.",
    key="The id of the student to forget, in UTF-8.",
    config={
        "cleanup.policy": "compact",
        "max.compaction.lag.ms": str(DAY_MS),  # what requests said is gone after a day
    },
    headers={
        "skillstream-accepted": "Ours, on a worker's answer. Others leave it away.",
        "skillstream-origin": "Ours, on a request sent on to its student's partition: where it came from.",
        "skillstream-signature": "Ours, beside these: a key's id and an HMAC-SHA256 of the record. An answer that it "
        "does not fit is a request like any other.",
    },
    receives="When its answer is read back, the student's row becomes a tombstone row. Idempotent. A record without a "
    "value is passed over; one whose key is no student's id, or whose time no clock tells, becomes a dead letter.",
    sends="An answer to each request, under its key, which compaction keeps instead of it. A request that came on "
    "another partition than its student's is sent on.",
)
ATTENTION: Final = Topic(
    name="student-attention",
    summary="Off unless SKILLSTREAM_ATTENTION_TOPIC names it. A text may disclose harm: for a person to look at. No "
    "monitoring to rely on. A null value says that the student was erased: forget all that was said of them here.",
    key=_STUDENT,
    config={
        "cleanup.policy": "compact,delete",
        "retention.ms": str(30 * DAY_MS),
        "min.compaction.lag.ms": str(7 * DAY_MS),  # until then a receiver that was away finds every record
        "max.compaction.lag.ms": str(8 * DAY_MS),
        "delete.retention.ms": str(7 * DAY_MS),  # and learns who was erased
    },
    sends="One message an event and reason, when the event is folded for the first time; after a crash it may come "
    "twice, with the same id.",
)
FUSION_CONFIG: Final = Topic(
    name="fusion-config",
    summary="Weights and thresholds, changed while workers run; on partition 0 only. The newest configuration that is "
    "good is in force; updates name it at the end of their `config_version`. Nobody removes one: updates may name it.",
    key="The configuration's version: 12 hex digits of its content's SHA-256, as `skillstream config set` computes it; "
    "`none` for nothing overridden, `rescore` for a request.",
    config={"cleanup.policy": "compact"},
    receives="Workers read it whole before their first update, and follow it. What is wrong is refused, and logged.",
    sends="`skillstream config set` writes a configuration, `skillstream rescore` a request.",
)
CATALOGUE: Final = Topic(
    name="skill-catalogue",
    summary="What is the same for every student: skills in words, levels, weights, what scores rest on, by the "
    "`config_version` that updates name; on partition 0 only. Nobody removes an entry: updates may name it.",
    key="The `config_version`.",
    config={"cleanup.policy": "compact"},
    receives="`skillstream catalogue` prints it; `skillstream verify` looks for the entry of each update.",
    sends="A worker writes the entry of its configuration, the same whoever writes it, before the first update that "
    "names it.",
)
WORKERS: Final = Topic(
    name="skillstream-workers",
    summary="Internal: which workers there are, where each answers, and what it owns; on partition 0 only. A null "
    "value says that the worker has left. For workers; others neither write nor rely on it.",
    key="The worker's instance: its client's name at Kafka.",
    config={
        "cleanup.policy": "compact,delete",
        "retention.ms": str(DAY_MS),
        "segment.ms": str(10 * _MINUTE_MS),  # with the next two: who starts reads some records a worker
        "min.cleanable.dirty.ratio": "0.1",
        "max.compaction.lag.ms": str(10 * _MINUTE_MS),
    },
    headers={"skillstream-signature": "Ours: a key's id and an HMAC-SHA256 of the record. Others are passed over."},
    receives="A worker that is asked about the group reads on.",
    sends="Each worker announces itself when what it owns changes, and every SKILLSTREAM_ANNOUNCE_EVERY_S.",
)
NORM_SNAPSHOTS: Final = Topic(
    name="norms",
    summary="What is usual: sums over students by item, knowledge component and cohort, of 10 students at least; on "
    "partition 0 only. Each snapshot is whole: pieces, then its manifest, whose `norms_version` updates name.",
    key="The `norms_version` of a manifest; with a slash and a number, that of a piece of its bytes.",
    config={"cleanup.policy": "delete", "retention.ms": str(400 * DAY_MS)},
    receives="Workers score by the snapshot of the highest number. What is damaged, cut or of another app is refused, "
    "and logged.",
    sends="The owner of partition 0 writes a snapshot when one is due (SKILLSTREAM_NORMS_EVERY_S), and the newest "
    "again once it is 30 days old: no update outlives the norms that it names.",
)
NORM_SHARDS: Final = Topic(
    name="norm-shards",
    summary="Internal: the sums of each partition, as of its newest period, that norms are made of; on partition 0 "
    "only. For workers; others neither write nor rely on it.",
    key="App, partition and piece: `skillstream/3/0`.",
    config={"cleanup.policy": "compact"},
    receives="The owner of partition 0 adds them up.",
    sends="The owner of each partition writes its sums, in pieces, once a period of its records' time.",
)
AUDIT: Final = Topic(
    name="audit",
    summary="Who read, exported, replayed, erased or changed what; on partition 0 only. Nobody is named: persons and "
    "tokens are keyed hashes. Each record has the hash of its writer's one before; nobody removes any.",
    key="The writer: a process, by a name of its own.",
    config={"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"},
    headers={"skillstream-signature": "Ours: a key's id and an HMAC-SHA256 of the record."},
    receives="`skillstream audit` lists it, and with --verify says whether it is whole.",
    sends="A worker writes reads of students; commands write exports, replays, erasures and changes, before and after.",
)
TENANT_HOLD_LOG: Final = Topic(
    name="tenant-holds",
    summary="Off unless SKILLSTREAM_TENANTS is set. Of which tenants records are not worked on, from where and up to "
    "where; on partition 0 only. For workers, and `skillstream tenants release`.",
    key="What it says, and of what: `hold/…`, `end/…`, `release/north`.",
    config={"cleanup.policy": "compact"},
    receives="Workers read it whole before they fold anything. What is held of a tenant becomes dead letters.",
    sends="A worker writes a hold before it works on anything behind its start, and an end when it was asked for one; "
    "`skillstream tenants release` asks.",
)
IDENTITIES: Final = Topic(
    name="identities",
    summary="Off unless SKILLSTREAM_IDENTITIES_MB is set. Which student another id is of: the newest entry of an id "
    "counts, and a null value takes it back.",
    key="Another id of a student, such as an account or a mail address.",
    config={"cleanup.policy": "compact", "max.compaction.lag.ms": str(DAY_MS)},
    receives="Questions about another id are answered about its student, and its events count for the student from "
    "stated offsets on; `skillstream erase` and `export-person` take all ids of a student.",
)
IDENTITY_STARTS: Final = Topic(
    name="identity-starts",
    summary="Off unless SKILLSTREAM_IDENTITIES_MB is set. From which offset on events of another id count for a "
    "student; on partition 0 only. For workers; never to be deleted.",
    key="What it says, and of what: `claim/…`, `start/…`.",
    config={"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"},
    receives="Workers, `verify`, `rebuild` and exports read it whole before they fold anything.",
    sends="A worker claims its partitions, and writes a start before it works on anything behind it.",
)
TOPICS: Final = (
    ACTIVITY,
    UPDATES,
    HISTORY,
    REASONING,
    DEAD_LETTERS,
    RESULTS,
    ERASURES,
    ATTENTION,
    FUSION_CONFIG,
    CATALOGUE,
    NORM_SNAPSHOTS,
    NORM_SHARDS,
    WORKERS,
    AUDIT,
    TENANT_HOLD_LOG,
    IDENTITIES,
    IDENTITY_STARTS,
)
