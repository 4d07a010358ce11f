"""Bad input through a whole worker on a real Kafka: each record has its outcome, the events around it are unharmed."""

from collections import Counter
from pathlib import Path

from confluent_kafka import Producer

from schemas.dead_letter_packing import unpack
from schemas.topics import MAX_RECORD_BYTES
from streams.rows.codec import decode_row
from tests.agents.deployment import PARTITIONS, Sent, deployed, owning_partition
from tests.events import raw
from tests.unit.test_bad_input import UNREADABLE

STUDENT, OTHER = "ada", "bob"
FOREIGN = (owning_partition(STUDENT) + 1) % PARTITIONS


def good(number: int) -> Sent:
    return Sent(STUDENT.encode(), raw(student=STUDENT, event_id=f"good-{number}", minute=number))


def test_each_bad_record_has_its_outcome_and_good_ones_around_it_are_unharmed(kafka: str, tmp_path: Path) -> None:
    bad = [Sent(STUDENT.encode(), value) for value, _ in UNREADABLE.values()]
    odd = {
        "null key": Sent(None, raw(student=STUDENT, event_id="null-key", minute=501)),
        "wrong key": Sent(OTHER.encode(), raw(student=STUDENT, event_id="wrong-key", minute=502)),
        "foreign": Sent(STUDENT.encode(), raw(student=STUDENT, event_id="foreign", minute=503), partition=FOREIGN),
        "out of order": Sent(STUDENT.encode(), raw(student=STUDENT, event_id="early", minute=-600)),
        "from the future": Sent(STUDENT.encode(), raw(student=STUDENT, event_id="future", time="2999-01-01T00:00:00Z")),
        "huge text": Sent(STUDENT.encode(), raw("message", STUDENT, event_id="huge", text="Hard, but " * 50_000)),
        "unknown field": Sent(STUDENT.encode(), raw(student=STUDENT, event_id="unknown", minute=504, colour="red")),
    }
    of_no_use = Sent(STUDENT.encode(), raw("navigation", STUDENT, event_id="page"))
    sent: list[Sent] = []
    for number, record in enumerate([*bad, *odd.values(), of_no_use]):
        sent += [good(number), record]
    repeated = sent[-2]

    with deployed(kafka, tmp_path) as deployment:
        worker = deployment.start()
        worker.await_ready()
        deployment.send([*sent, repeated, good(900)])
        deployment.await_caught_up()

        found: Counter[str] = Counter(dead_letter.reason for _, dead_letter in deployment.dead_letters())
        assert found == Counter(reason for _, reason in UNREADABLE.values())
        kept = Counter(
            unpack(dead_letter, record.key, record.value)[1] for record, dead_letter in deployment.dead_letters()
        )
        assert kept == Counter(record.value for record in bad), "every dead letter holds the original bytes, 10 MB too"

        replay = deployment.replay()
        assert deployment.differences(replay) == []
        stored = deployment.table().get(owning_partition(STUDENT), STUDENT.encode())
        assert stored is not None
        goods = len(bad) + len(odd) + 1 + 1
        assert decode_row(stored).events == goods + len(odd)
        assert (worker.events("duplicates"), worker.events("ignored")) == (1, 1)
        strays = sum(record.place != owning_partition(STUDENT) for record in odd.values())
        assert worker.events("rerouted") == strays >= 1
        assert worker.events("clamped") == 1
        assert worker.terminate() == 0


def test_what_grows_beyond_the_limit_when_unpacked_is_kept_whole_and_small(kafka: str, tmp_path: Path) -> None:
    swollen = b"x" * (MAX_RECORD_BYTES + 5_000_000)
    with deployed(kafka, tmp_path) as deployment:
        zipping = Producer(
            {"bootstrap.servers": kafka, "compression.type": "gzip", "message.max.bytes": 2 * MAX_RECORD_BYTES}
        )
        zipping.produce(deployment.channels.activity, swollen, STUDENT.encode(), owning_partition(STUDENT))
        assert zipping.flush(30) == 0
        deployment.send([good(1)])
        worker = deployment.start()
        deployment.await_caught_up()

        [(record, dead_letter)] = deployment.dead_letters()
        assert dead_letter.reason == "too_large"
        assert unpack(dead_letter, record.key, record.value) == (STUDENT.encode(), swollen)
        assert len(record.value or b"") < 50_000
        assert dead_letter.cut_bytes == 0
        assert worker.events("applied") == 1
        assert worker.terminate() == 0
