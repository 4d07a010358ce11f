"""The worker, whole, on the embedded broker: a process, judged by what it leaves on the topics."""

import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import orjson
import pytest

from schemas.attention import AttentionRecord
from streams.rows.erasure import erasure_of
from streams.simulation import simulate
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed, owning_partition
from tests.agents.single_students import FAST_LIMITS, many_of, row_of
from tests.agents.worker_process import WorkerProcess
from tests.events import raw

ERASED, STRAY, TROUBLED = "sim-00003", "stray", "sim-00004"
DISCLOSURES = [
    Sent(student.encode(), raw("message", student, text="my dad hits me and I want to die"))
    for student in (ERASED, TROUBLED)
]
CLASS = [*(Sent(record.key, record.value) for record in simulate(12, 1_200, seed=5, faults=0.0)), *DISCLOSURES]
BROKEN = {
    "not_utf8": Sent(b"sim-00001", b'{"type": "\xff\xfe"}', headers=(("trace", b"\x00\xff"),)),
    "not_json": Sent(None, b"<xml/>"),
    "null_value": Sent(b"sim-00002", None),
    "unknown_version": Sent(b"\xfe\xff", orjson.dumps({"type": "attempt", "version": 9}), partition=3),
}
STRAY_EVENTS = 5


@dataclass(frozen=True, slots=True)
class Everyday:
    """A worker that took in a class, broken records, events on a foreign partition, and a wish to be erased."""

    deployment: Deployment
    worker: WorkerProcess
    erased_at_ms: int


@pytest.fixture(scope="module")
def everyday(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Everyday]:
    folder = tmp_path_factory.mktemp("everyday")
    with deployed(broker, folder, reasoning="scripted", attention_topic="attention", **FAST_LIMITS) as deployment:
        foreign = (owning_partition(STRAY) + 1) % PARTITIONS
        strays = [Sent(each.key, each.value, partition=foreign) for each in many_of(STRAY, STRAY_EVENTS)]
        deployment.send([*CLASS, *BROKEN.values(), *strays])  # waiting when the worker starts: so few, whole batches
        worker = deployment.start()
        worker.await_ready()
        until(lambda: len(deployment.explanations()) >= 12, "explanations of the class")
        deployment.send([Sent(ERASED.encode(), b"{}")], deployment.channels.erasures)
        deployment.await_caught_up()
        until(lambda: worker.metrics().get("calls_in_flight") == 0, "every result is read back")
        yield Everyday(deployment, worker, deployment.records(deployment.channels.erasures)[0].timestamp)


@pytest.fixture(scope="module")
def other(broker: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """With a worker, for tests that send it more."""
    with deployed(
        broker, tmp_path_factory.mktemp("other"), model="none", reasoning="scripted", **FAST_LIMITS
    ) as deployment:
        deployment.start()
        yield deployment


# -- every event is accounted for


def test_every_event_has_its_outcome_and_the_table_equals_an_offline_replay(everyday: Everyday) -> None:
    replay = everyday.deployment.replay()
    counted = {outcome: everyday.worker.events(outcome) for outcome in ("applied", "ignored", "duplicates", "late")}

    assert counted == {outcome: getattr(replay.counts, outcome) for outcome in counted}
    assert everyday.worker.events("dead_lettered") == replay.counts.dead_lettered == len(BROKEN)
    outcomes = counted["applied"] + counted["ignored"] + counted["duplicates"] + len(BROKEN)
    assert outcomes == len(CLASS) + len(BROKEN) + STRAY_EVENTS
    assert {difference.student for difference in everyday.deployment.differences(replay)} == {ERASED}


def test_each_record_is_observed_once_from_its_timestamp_to_the_confirmation(everyday: Everyday) -> None:
    records = everyday.deployment.records(everyday.deployment.channels.activity)
    metrics = everyday.worker.metrics()

    assert metrics["end_to_end_latency_seconds_count"] == len(records)
    assert 0 < metrics["end_to_end_latency_seconds_sum"] < 600 * len(records)


def test_a_dead_letter_carries_the_original_bytes_and_where_they_came_from(everyday: Everyday) -> None:
    dead_letters = {
        dead_letter.reason: (record, dead_letter) for record, dead_letter in everyday.deployment.dead_letters()
    }
    originals = {(r.partition, r.offset): r for r in everyday.deployment.records(everyday.deployment.channels.activity)}

    assert dead_letters.keys() == BROKEN.keys()
    for reason, (record, dead_letter) in dead_letters.items():
        original = originals[dead_letter.partition, dead_letter.offset]
        assert (record.key, record.value) == (BROKEN[reason].key, BROKEN[reason].value)
        assert (original.key, original.value) == (record.key, record.value)
        assert dead_letter.topic == everyday.deployment.channels.activity
        assert dead_letter.timestamp == original.timestamp
        assert record.partition == original.partition


def test_an_event_on_a_foreign_partition_is_repartitioned_home_and_folded_once(everyday: Everyday) -> None:
    table = everyday.deployment.table()
    places = [partition for partition in range(PARTITIONS) if table.get(partition, STRAY.encode())]

    assert places == [owning_partition(STRAY)]
    assert row_of(table, STRAY).events == STRAY_EVENTS
    assert everyday.worker.events("rerouted") == STRAY_EVENTS


def test_the_last_update_of_each_student_says_how_far_its_row_is(everyday: Everyday) -> None:
    last = {update.student_id: update for update in everyday.deployment.updates()}
    table = everyday.deployment.table()

    assert last.keys() >= {record.key.decode() for record in CLASS if record.key}
    for student, update in last.items():
        if student != ERASED:
            row = row_of(table, student)
            assert update.seq == (row.epoch, row.offset)
            assert update.skills
            assert update.degraded == []


# -- attention


def test_a_text_that_may_disclose_harm_is_reported_to_those_who_asked_for_it(everyday: Everyday) -> None:
    channels, said = everyday.deployment.channels, everyday.deployment.records(everyday.deployment.channels.attention)
    records = [msgspec.json.decode(record.value, type=AttentionRecord) for record in said if record.value]

    assert sorted((each.student_id, each.reason) for each in records) == sorted(
        (student, reason) for student in (ERASED, TROUBLED) for reason in ("abuse", "self_harm")
    )
    assert {(record.key, record.partition) for record in said} == {
        (student.encode(), owning_partition(student)) for student in (ERASED, TROUBLED)
    }
    assert [record.value for record in said if record.key == ERASED.encode()][-1] is None
    assert everyday.worker.metrics()['attention_records_total{reason="abuse"}'] == 2
    assert everyday.worker.log.count("A text may disclose abuse") == 2
    assert not any(word in everyday.worker.log for word in (TROUBLED, "hits me"))
    said_of_them = [r.value for r in everyday.deployment.records(channels.reasoning) if r.key == TROUBLED.encode()]
    assert not any(b"hits" in value for value in said_of_them if value)


# -- explanations


def test_an_explanation_comes_out_and_its_result_is_read_back(everyday: Everyday) -> None:
    explanations, table = everyday.deployment.explanations(), everyday.deployment.table()
    explained = Counter(explanation.student_id for explanation in explanations)
    results = [(result.student_id, result.seq) for result in everyday.deployment.results()]

    made = Counter((explanation.generator, explanation.reason) for explanation in explanations)
    assert made[("scripted", None)] == made.total() - made[("template", "nothing_to_ask")] > 0
    assert set(explained.values()) == {1}, "within the cooldown each student is explained once"
    assert sorted(results) == sorted((each.student_id, each.seq) for each in explanations)
    for explanation in explanations:
        if explanation.student_id != ERASED:
            row = row_of(table, explanation.student_id)
            assert (row.pending.reasoned_epoch, row.pending.reasoned_offset) == explanation.seq
            assert row.pending.since_us == 0 or explanation.seq < (row.epoch, row.offset)


# -- forgetting


def test_erasing_leaves_a_tombstone_and_deletes_what_was_published(everyday: Everyday) -> None:
    tombstone = row_of(everyday.deployment.table(), ERASED)

    assert tombstone.erased_us == everyday.erased_at_ms * 1_000
    assert (tombstone.events, tombstone.facts, tombstone.skills, tombstone.ids) == (0, {}, {}, b"")
    records = everyday.deployment.records(everyday.deployment.channels.activity)
    of_student = [record for record in records if record.key == ERASED.encode()]
    erasure = erasure_of(tombstone.erasure)
    assert all(erasure.erases(record.partition, record.offset) for record in of_student), "or it is folded again"
    for topic in (everyday.deployment.channels.updates, everyday.deployment.channels.reasoning):
        said = [record for record in everyday.deployment.records(topic) if record.key == ERASED.encode()]
        assert said[-1].value is None
        assert said[-1].partition == owning_partition(ERASED)


@pytest.mark.long
def test_events_that_were_there_do_not_count_whatever_their_clock_said_and_new_ones_do(other: Deployment) -> None:
    ahead_ms = time.time_ns() // 1_000_000 + 40 * 60_000
    other.send(Sent(s.key, s.value, timestamp_ms=ahead_ms) for s in many_of(ERASED, 3))
    other.send([Sent(ERASED.encode(), b"{}")], other.channels.erasures)
    other.await_caught_up()
    [erased_at_ms] = [r.timestamp for r in other.records(other.channels.erasures) if r.key == ERASED.encode()][:1]
    assert row_of(other.table(), ERASED).events == 0

    late = [Sent(s.key, s.value, timestamp_ms=erased_at_ms - 3_600_000) for s in many_of(ERASED, 2, tag="new")]
    other.send(late)
    other.await_caught_up()

    reborn = row_of(other.table(), ERASED)
    assert (reborn.events, reborn.erased_us) == (2, erased_at_ms * 1_000), "a clock that is behind changes nothing"


def test_a_history_sent_twice_counts_once_and_erasing_deletes_its_ids_beside_the_row(other: Deployment) -> None:
    student = "sends-it-all-again"
    for _ in range(2):
        other.send(many_of(student, 400))
        other.await_caught_up()
    kept = other.table().segments(owning_partition(student), student.encode())
    assert row_of(other.table(), student).events == 400
    assert len(kept) == 2

    other.send([Sent(student.encode(), b"{}")], other.channels.erasures)
    other.await_caught_up()

    assert other.table().segments(owning_partition(student), student.encode()) == []
    last = {record.key: record.value for record in other.records(other.changelog)}
    assert [last[key] for key in kept] == [None, None]


# -- input that must not end the worker


def test_a_record_that_is_not_a_result_does_not_stop_the_worker(other: Deployment) -> None:
    other.send([Sent(b"who", b"not a result"), Sent(b"who", None)], other.channels.results)
    other.send([Sent(b"never-seen", b"{}"), Sent(None, b"{}")], other.channels.erasures)
    other.await_caught_up()

    assert other.workers[0].alive
    dead_letters = [
        dead_letter for _, dead_letter in other.dead_letters() if dead_letter.topic == other.channels.results
    ]
    assert [dead_letter.reason for dead_letter in dead_letters] == ["not_a_result"] * 2


# -- the pages


def test_the_pages_answer_and_faust_s_own_views_are_not_served(everyday: Everyday) -> None:
    worker = everyday.worker
    for path in ("/live", "/ready", "/health", "/health/detailed", "/metrics", "/"):
        assert worker.get(path).status == 200, path
    for path in ("/table/", "/table/students/", "/router/", "/graph/", "/stats/"):
        assert worker.get(path).status == 404, path

    until(lambda: worker.get("/health").json["status"] == "ok", "all is well")
    components = worker.get("/health/detailed").json["components"]
    assert components.keys() >= {"broker", "table", "agents", "lag", "redis", "key", "reasoning", "model"}
    assert {part["status"] for part in components.values()} == {"ok"}


def test_pages_and_log_name_no_student(everyday: Everyday) -> None:
    shown = b"".join(everyday.worker.get(path).body for path in ("/", "/metrics", "/health/detailed"))

    for text in (shown.decode(), everyday.worker.log):
        assert "sim-0" not in text
        assert STRAY not in text
