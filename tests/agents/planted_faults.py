"""Faults planted on what workers left, for `skillstream verify` to find."""

import threading
from collections.abc import Mapping, Sequence

import msgspec
from confluent_kafka import Consumer, TopicPartition

from schemas.dead_letter import to_headers
from schemas.explanation import Explanation
from schemas.update import SkillProfile, SkillUpdate
from streams.replay import FileRecord
from streams.rows.codec import decode_row, encode_row
from streams.rows.row import Row
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, owning_partition
from tests.events import Student, event, processed, raw, rows_of, stored_dead_letter

LOST, GONE, DOUBLE, STALE, SCORE = "sim-00001", "sim-00002", "sim-00003", "sim-00004", "sim-00005"
UNSAID, MISSAID, MISEXPLAINED, UNFOLDED, UNFORWARDED = "sim-00006", "sim-00007", "sim-00008", "sim-00009", "unforwarded"


def plant_faults(deployment: Deployment) -> dict[str, tuple[int, int]]:
    """All at once, each on a student of its own. Returns where those without a student are: (partition, offset)."""
    table = deployment.table()
    rows = {
        student: decode_row(table.get(owning_partition(student), student.encode()) or b"")
        for student in (DOUBLE, SCORE)
    }
    log = deployment.records(deployment.changelog)
    older = [record.value for record in log if record.key == STALE.encode()]
    assert len(older) > 1, "the student must have been folded in more than one batch"
    updates = {update.student_id: update for update in deployment.updates()}

    send_rows(deployment, LOST, encode_row(refolded(deployment, LOST, skip=3)))
    send_rows(deployment, GONE, None)
    send_rows(deployment, DOUBLE, encode_row(folded_again(rows[DOUBLE])))
    send_rows(deployment, STALE, older[0])
    send_rows(deployment, SCORE, encode_row(with_another_score(rows[SCORE])))
    deployment.send([Sent(UNSAID.encode(), None)], deployment.channels.updates)
    deployment.send([Sent(MISSAID.encode(), counted_otherwise(updates[MISSAID]))], deployment.channels.updates)
    deployment.send([Sent(MISEXPLAINED.encode(), explained_too_far(deployment))], deployment.channels.reasoning)
    return plant_dead_letters(deployment) | plant_unread(deployment)


def send_rows(deployment: Deployment, student: str, row: bytes | None) -> None:
    """Append a row to the changelog, as no worker would."""
    deployment.send([Sent(student.encode(), row)], deployment.changelog)


def records_of(deployment: Deployment, student: str) -> list[FileRecord]:
    """The records of a student on its owning partition."""
    return [
        record
        for record in deployment.records(deployment.channels.activity)
        if record.key == student.encode() and record.partition == owning_partition(student)
    ]


def refolded(deployment: Deployment, student: str, *, skip: int) -> Row:
    """A row without one of the events that were applied."""
    rows, applied = dict[str, Row](), 0
    for record in records_of(deployment, student):
        before = rows[student].events if student in rows else 0
        batch = fold_one(rows, record)
        after = batch[student].events if student in batch else before
        applied += after > before
        if applied != skip or after == before:
            rows |= batch
    return rows[student]


def fold_one(rows: Mapping[str, Row], record: FileRecord) -> dict[str, Row]:
    """The rows that one record changes; `rows` stay as they are."""
    result = processed([record], {student: encode_row(row) for student, row in rows.items()})
    return {student: decode_row(row) for student, row in rows_of(result).items()}


def folded_again(row: Row) -> Row:
    """A row with one event more than there was."""
    student = Student(row)
    student.fold(event(student=DOUBLE, event_id="never-sent"), row.as_of_us)
    return student.row


def with_another_score(row: Row) -> Row:
    next(skill_state for skill_state in row.skills.values() if skill_state.score > 0.1).score -= 1e-6
    return row


def counted_otherwise(update: SkillUpdate) -> bytes:
    profiles = {name: skill for name, skill in update.skills.items() if isinstance(skill, SkillProfile)}
    name, profile = next((name, profile) for name, profile in profiles.items() if profile.indicators)
    indicator, rate = next(iter(profile.indicators.items()))
    changed = msgspec.structs.replace(rate, of=rate.of + 1)
    moved = msgspec.structs.replace(profile, indicators={**profile.indicators, indicator: changed})
    return msgspec.json.encode(msgspec.structs.replace(update, skills={**update.skills, name: moved}))


def explained_too_far(deployment: Deployment) -> bytes:
    """An explanation of events that its student does not have, though its partition has such offsets."""
    offset = records_of(deployment, MISEXPLAINED)[-1].offset + 1
    assert offset < deployment.committed()[owning_partition(MISEXPLAINED)]
    explanation: Explanation = deployment.explanations()[0]
    return msgspec.json.encode(msgspec.structs.replace(explanation, student_id=MISEXPLAINED, seq=(0, offset)))


def plant_dead_letters(deployment: Deployment) -> dict[str, tuple[int, int]]:
    """A dead letter twice, one that was changed, one for an event that can be read."""
    dead_letters = [(record, dead_letter) for record, dead_letter in deployment.dead_letters() if record.value]
    (twice, _), (changed, dead_letter) = dead_letters[0], dead_letters[1]
    readable = records_of(deployment, "sim-00010")[0]
    headers = to_headers(stored_dead_letter(readable, error="planted"))
    deployment.send(
        [
            Sent(twice.key, twice.value, twice.partition, tuple(twice.headers)),
            Sent(changed.key, (changed.value or b"") + b" ", changed.partition, tuple(changed.headers)),
            Sent(readable.key, readable.value, readable.partition, headers),
        ],
        deployment.channels.dead_letters,
    )
    return {
        "letter twice": (dead_letters[0][1].partition, dead_letters[0][1].offset),
        "letter changed": (dead_letter.partition, dead_letter.offset),
        "letter too many": (readable.partition, readable.offset),
    }


def plant_unread(deployment: Deployment) -> dict[str, tuple[int, int]]:
    """Records that the group commits without reading them: one to fold, one to forward, one that is broken."""
    foreign = (owning_partition(UNFORWARDED) + 1) % PARTITIONS
    places: dict[str, tuple[int, int]] = {}
    for name, sent in {
        "unfolded": Sent(UNFOLDED.encode(), raw(student=UNFOLDED, event_id="unread")),
        "unforwarded": Sent(UNFORWARDED.encode(), raw(student=UNFORWARDED), partition=foreign),
        "no letter": Sent(None, b"broken, and nobody says so", partition=2),
    }.items():
        places[name] = (sent.place, deployment.end(deployment.channels.activity, sent.place))
        deployment.send([sent])
    commit(deployment, [(partition, offset + 1) for partition, offset in places.values()])
    return places


def commit(deployment: Deployment, offsets: Sequence[tuple[int, int]]) -> None:
    """Commit for the group, as a member: the embedded broker takes commits of nobody else once it had members."""
    furthest: dict[int, int] = {}
    for partition, offset in offsets:
        furthest[partition] = max(offset, furthest.get(partition, 0))
    topic, joined = deployment.channels.activity, threading.Event()
    settings = {"bootstrap.servers": deployment.broker, "group.id": deployment.name, "enable.auto.commit": False}
    consumer = Consumer(settings | {"auto.offset.reset": "latest", "log_level": 0})
    try:
        consumer.subscribe([topic], on_assign=lambda *_: joined.set())
        until(lambda: consumer.poll(0.05) is not None or joined.is_set(), "membership")
        consumer.commit(offsets=[TopicPartition(topic, *place) for place in furthest.items()], asynchronous=False)
    finally:
        consumer.close()
