"""`skillstream dead-letters` on the embedded broker, whole commands; and the worker that stops before a flood.

No worker reads on after a replay here: the embedded broker's transaction markers have checksums that aiokafka refuses.
What a worker makes of a replay is in tests/integration/test_dead_letters_on_kafka.py.
"""

import time
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from agents.config.header_keys import Keyring
from agents.operations.dead_letters.reread import Rereader
from agents.worker.erasing import acceptance_record
from schemas.dead_letter import REINSERTED_HEADER
from schemas.dialects import native
from schemas.erasure import Acceptance
from streams.input.origin import ORIGIN_HEADER
from streams.input.signature import SIGNATURE_HEADER
from tests.agents.dead_letter_commands import (
    BAD,
    FOREIGN,
    GOOD,
    OWNING,
    Planted,
    activity,
    dead_letter,
    dead_letters,
    deployment,
    plant,
)
from tests.agents.delivery_cluster import until
from tests.agents.deployment import Deployment, Sent, deployed, owning_partition
from tests.contract.caliper_events import ADA, FORUM, caliper, envelope
from tests.events import NOW_MS, raw

__all__ = ["deployment"]


# -- what a worker makes, seen again


def test_what_a_worker_could_not_read_is_listed_shown_and_comes_back_byte_for_byte(broker: str, tmp_path: Path) -> None:
    bad = b'\xff{"student_id":"ada"}\x1b[2J'
    own = (("trace-id", b"\xfe"), ("dl-topic", b"theirs"), ("empty", None))
    with deployed(broker, tmp_path, model="none") as made:
        worker = made.start()
        worker.await_ready()
        made.send([Sent(b"ada", bad, headers=own), Sent(b"bob", None)])  # type: ignore[arg-type]
        until(lambda: worker.events("dead_lettered") == 2, "both are dead letters")
        until(lambda: len(made.dead_letters()) == 2, "both are written")

        listed = dead_letters(made, "list", "--json")
        assert {line["reason"] for line in listed.lines} == {"not_utf8", "null_value"}
        [found] = [line for line in listed.lines if line["reason"] == "not_utf8"]
        assert (found["topic"], found["partition"], found["offset"]) == (made.channels.activity, OWNING, 0)
        assert found["size_bytes"] == len(bad) + 3

        shown = dead_letters(made, "show", found["place"])
        assert shown.code == 0
        for part in ("dl-reason: not_utf8", "dl-original-dl-topic: theirs", "trace-id: b'\\xfe'", "empty: null"):
            assert part in shown.text
        assert "00000000  ff 7b 22 73" in shown.text
        assert dead_letters(made, "show", "--raw", found["place"]).out == bad

        assert worker.terminate() == 0
        assert dead_letters(made, "replay", "--yes", "--policy", "reinsert").code == 0
        first = next(found.timestamp for _, found in made.dead_letters() if found.reason == "not_utf8")
        back = next(record for record in activity(made) if record.offset > 0 and record.key == b"ada")
        assert back.value == bad
        assert {name: value for name, value in back.headers if name != SIGNATURE_HEADER} == {
            "trace-id": b"\xfe",
            "dl-topic": b"theirs",
            "empty": b"",  # null, as far as this reader can tell
            REINSERTED_HEADER: f"{made.channels.activity}/{found['place']};{first}".encode(),
        }


@pytest.mark.long
def test_only_the_bad_event_of_an_envelope_comes_back_once_a_mapping_knows_it(broker: str, tmp_path: Path) -> None:
    shunned = caliper("ForumEvent", "Downvoted", FORUM)
    data = [caliper("ForumEvent", "Subscribed", FORUM), shunned]
    mapping = tmp_path / "mapping.toml"
    mapping.write_text('[caliper]\n"ForumEvent.Downvoted" = "disagreed"\n')
    with deployed(broker, tmp_path, model="none") as made:
        worker = made.start()
        made.send([Sent(b"sensor-1", orjson.dumps(envelope(*data)), OWNING)])
        until(lambda: len(made.dead_letters()) == 1, "its bad part is a dead letter")
        assert worker.terminate() == 0

        [found] = dead_letters(made, "list", "--json").lines
        assert (found["index"], found["parts"]) == (1, "1")
        shown = dead_letters(made, "show", found["place"]).text
        assert "its part 1" in shown
        assert "Downvoted" in shown
        assert "Subscribed" not in shown

        made.defaults = {"mapping": mapping}
        ran = dead_letters(made, "replay", "--yes", "--json")
        assert ran.lines[0]["reinserted"] == 1, ran.err
        [back] = [record for record in activity(made) if dict(record.headers).keys() & {REINSERTED_HEADER}]
        assert (back.key, back.partition) == (ADA.encode(), owning_partition(ADA.encode()))
        event = native.decode(back.value)
        assert (event.event_id, event.student_id) == (shunned["id"], ADA)


# -- replay


def test_dead_letters_that_can_be_read_now_are_sent_home_as_they_were_once(deployment: Deployment) -> None:
    origin = (ORIGIN_HEADER, b"student-activity/9/9/9")
    own = (("trace", b"t"), origin, (REINSERTED_HEADER, b"of old"), ("trace", b"u"))
    plant(deployment, [dead_letter(deployment, 41, GOOD[0], partition=FOREIGN, own=own, key=b"\xff")])

    first = dead_letters(deployment, "replay", "--yes", "--json")

    assert first.code == 0, first.err
    assert first.lines[0] == {
        "dry_run": False,
        "read": 1,
        "reinserted": 1,
        "still_bad": 0,
        "dropped": 0,
        "left": 0,
        "repeats": 0,
        "forgotten": 0,
        "redacted": 0,
        "stopped_at": None,
    }
    [back] = activity(deployment)
    assert (back.partition, back.key, back.value) == (OWNING, b"\xff", GOOD[0])
    assert NOW_MS < back.timestamp <= time.time() * 1000, "the original time may be beyond Kafka's retention"
    mark = f"{deployment.channels.activity}/{FOREIGN}@0;{NOW_MS}".encode()
    assert back.headers[:-1] == (("trace", b"t"), ("trace", b"u"), (REINSERTED_HEADER, mark))
    assert Keyring(deployment.settings).open().authentic(back)

    again = dead_letters(deployment, "replay", "--yes", "--json").lines[0]
    assert (again["read"], again["reinserted"]) == (0, 0)
    assert len(activity(deployment)) == 1


def test_the_policy_stop_sends_what_is_before_the_bad_one_and_waits_there(deployment: Deployment) -> None:
    plant(deployment, [dead_letter(deployment, n, value) for n, value in enumerate([GOOD[0], GOOD[1], BAD, GOOD[2]])])

    for read, reinserted in ((3, 2), (1, 0)):
        ran = dead_letters(deployment, "replay", "--yes", "--json")
        assert ran.code == 1
        assert f"stopped at dead letter {OWNING}@2 (of {deployment.channels.activity}/{OWNING}@2): not_json" in ran.err
        assert (ran.lines[0]["read"], ran.lines[0]["reinserted"], ran.lines[0]["still_bad"]) == (read, reinserted, 1)

    dropped = dead_letters(deployment, "replay", "--yes", "--policy", "drop")
    assert dropped.code == 0
    assert [record.value for record in activity(deployment)] == GOOD[:3]
    assert "dropped     1" in dropped.text


def test_the_policy_reinsert_sends_the_bad_ones_too(deployment: Deployment) -> None:
    plant(
        deployment,
        [dead_letter(deployment, 1, BAD, partition=FOREIGN), dead_letter(deployment, 2, None, partition=FOREIGN)],
    )

    ran = dead_letters(deployment, "replay", "--yes", "--policy", "reinsert", "--json").lines[0]

    assert (ran["reinserted"], ran["still_bad"]) == (2, 2)
    assert [(record.partition, record.value) for record in activity(deployment)] == [(FOREIGN, BAD), (FOREIGN, None)]


def test_what_is_not_of_the_activity_topic_or_not_whole_is_left(deployment: Deployment) -> None:
    results = Planted(deployment.channels.results, OWNING, 5, GOOD[0], reason="not_a_result")
    plant(deployment, [results, dead_letter(deployment, 6, GOOD[1], cut_bytes=9), dead_letter(deployment, 7, GOOD[2])])
    deployment.send([Sent(None, GOOD[3], OWNING)], deployment.channels.dead_letters)

    ran = dead_letters(deployment, "replay", "--yes", "--policy", "reinsert", "--json").lines[0]

    assert (ran["read"], ran["left"], ran["reinserted"]) == (4, 3, 1)
    assert [record.value for record in activity(deployment)] == [GOOD[2]]


def test_a_dead_letter_that_a_restarted_worker_wrote_again_is_sent_back_once(deployment: Deployment) -> None:
    def of(offset: int, epoch: int = 0) -> Planted:
        return dead_letter(deployment, offset, GOOD[offset], epoch=epoch)

    plant(deployment, [of(1), of(2), of(1)])
    first = dead_letters(deployment, "replay", "--yes", "--json").lines[0]
    plant(deployment, [of(2), of(3)])
    second = dead_letters(deployment, "replay", "--yes", "--json").lines[0]
    plant(deployment, [of(1, epoch=1)])
    of_a_new_topic = dead_letters(deployment, "replay", "--yes", "--json").lines[0]

    assert [(ran["reinserted"], ran["repeats"]) for ran in (first, second, of_a_new_topic)] == [(2, 1), (1, 1), (1, 0)]
    assert [record.value for record in activity(deployment)] == [GOOD[1], GOOD[2], GOOD[3], GOOD[1]]


def test_a_replay_of_some_reasons_leaves_the_others_for_later(deployment: Deployment) -> None:
    reasons = ["unknown_type", "unknown_version", "unknown_type", "unknown_version"]
    plant(deployment, [dead_letter(deployment, n, GOOD[n], reason=reason) for n, reason in enumerate(reasons)])

    def replay(*arguments: str) -> tuple[int, int]:
        ran = dead_letters(deployment, "replay", "--yes", "--json", *arguments).lines[0]
        return ran["read"], ran["reinserted"]

    assert replay("--reason", "unknown_version") == (2, 2)
    assert [record.value for record in activity(deployment)] == [GOOD[1], GOOD[3]]
    assert replay("--reason", "unknown_version") == (0, 0)
    plant(deployment, [dead_letter(deployment, 4, GOOD[4], reason="unknown_version")])
    assert replay() == (3, 3)
    assert replay() == (0, 0)
    assert Counter(record.value for record in activity(deployment)) == Counter(GOOD[:5])


def test_a_dry_run_tells_and_changes_nothing(deployment: Deployment) -> None:
    plant(deployment, [dead_letter(deployment, 1, GOOD[0]), dead_letter(deployment, 2, BAD)])

    for _ in range(2):
        ran = dead_letters(deployment, "replay", "--dry-run", "--json")
        assert ran.code == 1
        assert "would stop at" in ran.err
        assert ran.lines[0]["reinserted"] == 1
    assert activity(deployment) == []


def test_nothing_is_sent_where_nobody_can_be_asked(deployment: Deployment) -> None:
    plant(deployment, [dead_letter(deployment, 1, GOOD[0])])

    ran = dead_letters(deployment, "replay")

    assert ran.code == 2
    assert "--yes" in ran.err
    assert activity(deployment) == []


def test_what_a_student_did_before_erasure_is_not_sent_back(deployment: Deployment) -> None:
    keyring = Keyring(deployment.settings).open_or_make()
    accepted = Acceptance("", NOW_MS * 1_000, (4,) * 4)
    erased = acceptance_record(deployment.channels.erasures, OWNING, b"ada", accepted, keyring.sign)
    headers: Any = erased.headers
    deployment.send([Sent(b"ada", erased.value, headers=headers)], deployment.channels.erasures)
    sent_back_since = [(REINSERTED_HEADER, f"student-activity/0@0;{NOW_MS}".encode())]
    plant(
        deployment,
        [
            dead_letter(deployment, 0, GOOD[0]),
            dead_letter(deployment, 1, GOOD[1], key=None),
            dead_letter(deployment, 2, BAD),
            dead_letter(deployment, 3, GOOD[2], timestamp_ms=NOW_MS + 3_600_000, own=sent_back_since),
            dead_letter(deployment, 4, GOOD[3], timestamp_ms=NOW_MS - 3_600_000),
            dead_letter(deployment, 5, raw(student="bob"), key=b"bob"),
        ],
    )

    ran = dead_letters(deployment, "replay", "--yes", "--json").lines[0]

    assert (ran["read"], ran["forgotten"], ran["reinserted"]) == (6, 4, 2)
    assert {record.value for record in activity(deployment)} == {GOOD[3], raw(student="bob")}


def test_while_a_request_to_erase_a_student_waits_nothing_of_them_is_sent_back(deployment: Deployment) -> None:
    deployment.send([Sent(b"ada", b"{}", timestamp_ms=NOW_MS - 3_600_000)], deployment.channels.erasures)
    plant(deployment, [dead_letter(deployment, 0, GOOD[0]), dead_letter(deployment, 1, raw(student="bob"), key=b"bob")])

    ran = dead_letters(deployment, "replay", "--yes", "--json").lines[0]

    assert (ran["forgotten"], ran["reinserted"]) == (1, 1)


def test_a_replay_commits_nothing_where_a_student_is_erased_meanwhile(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    plant(deployment, [dead_letter(deployment, 0, GOOD[0])])
    read = Rereader.read

    def erased_meanwhile(self: Rereader, *given: Any) -> Any:
        deployment.send([Sent(b"ada", b"{}")], deployment.channels.erasures)
        return read(self, *given)

    with monkeypatch.context() as patched:
        patched.setattr(Rereader, "read", erased_meanwhile)
        ran = dead_letters(deployment, "replay", "--yes")

    assert ran.code != 0
    assert "students were erased meanwhile" in ran.err


def test_more_dead_letters_than_one_transaction_holds(deployment: Deployment) -> None:
    values = [raw(minute=minute / 100) for minute in range(1_203)]
    plant(deployment, [dead_letter(deployment, n, value) for n, value in enumerate(values)])

    ran = dead_letters(deployment, "replay", "--yes", "--json").lines[0]

    assert ran["reinserted"] == len(values)
    assert [record.value for record in activity(deployment)] == values


# -- the poison limit


@pytest.mark.long
def test_a_flood_of_bad_records_stops_the_worker_before_it_drains_them_and_again_after_a_restart(
    broker: str, tmp_path: Path
) -> None:
    good = [Sent(b"ada", raw(event_id=f"g{n}", minute=n / 100)) for n in range(100)]
    with deployed(broker, tmp_path, model="none", dead_letter_min_records=50, max_batch_records=20) as made:
        made.send([*good, *(Sent(b"ada", BAD) for _ in range(200)), *(Sent(b"ada", value) for value in GOOD)])

        for _ in range(2):
            worker = made.start()
            assert worker.exit_code() == 4
            assert (
                f"of the last 50 records of {made.channels.activity}/{OWNING} cannot be read: not_json (" in worker.log
            )
            let_through = {found.offset for _, found in made.dead_letters()}
            assert let_through == set(range(100, 100 + len(let_through))), "in order, from the first bad record on"
            assert len(let_through) <= 25, "a restart lets no more through"
            assert sum(made.committed()) <= 126

        drain = made.start(dead_letter_max_ratio=1, dead_letter_max_consecutive=0)
        made.await_caught_up()
        assert {found.offset for _, found in made.dead_letters()} == set(range(100, 300))
        assert made.differences(made.replay()) == []
        assert drain.terminate() == 0
