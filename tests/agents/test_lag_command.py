"""`skillstream lag` on a broker with no worker: what it shows, and what it ends with."""

import io
import re
from collections.abc import Iterator, Mapping

import orjson
import pytest
from rich.console import Console

from agents.cli.lag_table import lag_page
from agents.display.duration import duration
from agents.health.lag import Lag
from agents.kafka.embedded import EmbeddedBroker
from agents.kafka.group_members import GroupDescription, GroupMember
from agents.kafka.offsets import Offsets
from agents.kafka.topics import TopicSpec, ensure_topics
from tests.agents.command import Ran, run_here
from tests.agents.test_lag import commit, produce

TOPICS = ("student-activity", "reasoning-results", "erasures")


@pytest.fixture(scope="module")
def around() -> Iterator[Mapping[str, str]]:
    with EmbeddedBroker() as broker:
        ensure_topics(broker.bootstrap, [TopicSpec(topic, 4) for topic in TOPICS])
        produce(broker.bootstrap, {0: 7, 1: 2})
        commit(broker.bootstrap, {0: 5, 1: 2}, group="skillstream")
        yield {"SKILLSTREAM_BROKER": broker.bootstrap}


def lag(around: Mapping[str, str], *arguments: str) -> Ran:
    return run_here(around, "lag", *arguments)


def test_one_look_tells_records_and_seconds_by_partition(around: Mapping[str, str]) -> None:
    ran = lag(around, "--json")

    assert ran.code == 0, ran.err
    [said] = ran.lines
    assert (said["group"], said["lag_records"], said["problem"]) == ("skillstream", 2, None)
    assert said["status"] is None, "a look is no window"
    assert len(said["partitions"]) == 12
    [behind] = [part for part in said["partitions"] if part["lag_records"]]
    assert (behind["topic"], behind["partition"], behind["committed"], behind["end"]) == ("student-activity", 0, 5, 7)
    assert 0 <= behind["lag_seconds"] < 3_600
    assert said["partitions"][-3]["committed"] == 2
    assert {part["status"] for part in said["partitions"] if not part["lag_records"]} == {"OK"}


def test_people_read_the_same_without_colours_where_it_is_piped(around: Mapping[str, str]) -> None:
    ran = lag(around)

    assert ran.code == 0, ran.err
    assert "\x1b" not in ran.text
    assert re.search(r"^group skillstream: status unknown, 2 records, [0-9. m]+ s behind", ran.text, re.MULTILINE)
    assert re.search(r"^ +0 +5 +7 +2 +[0-9. m]+ s +- +-", ran.text, re.MULTILINE)
    assert [line for line in ran.text.splitlines() if line in TOPICS] == [
        "student-activity",
        "erasures",
        "reasoning-results",
    ], "what is furthest behind comes first: a terminal shows no more than it has lines"
    assert "A status needs several looks: --for 60, or --watch." in ran.text


def test_what_stands_still_while_it_is_watched_is_an_error_and_a_line_a_look(around: Mapping[str, str]) -> None:
    ran = lag(around, "--watch", "--for", "5", "--every", "0.5")

    assert ran.code == 1, ran.err
    lines = ran.text.splitlines()
    assert len(lines) >= 2
    assert re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ status unknown, 2 records", lines[0])
    assert re.match(r"\S+ ERR, 2 records, [0-9. m]+ s behind, \+0 records/s", lines[-1])

    ran = lag(around, "--watch", "--for", "5", "--every", "0.5", "--json")
    assert (ran.lines[0]["status"], ran.lines[-1]["status"]) == (None, "ERR")
    assert all(said["at"] for said in ran.lines)


def test_more_behind_than_the_bound_of_health_is_code_1(around: Mapping[str, str]) -> None:
    assert lag({**around, "SKILLSTREAM_LAG_FAILING_RECORDS": "2"}).code == 1
    assert lag({**around, "SKILLSTREAM_LAG_FAILING_RECORDS": "3"}).code == 0


def test_a_group_of_another_name_is_behind_by_all_there_is(around: Mapping[str, str]) -> None:
    ran = lag({**around, "SKILLSTREAM_APP_ID": "another"}, "--json")

    assert ran.lines[0]["lag_records"] == 9
    assert {part["committed"] for part in ran.lines[0]["partitions"]} == {None}


def test_a_topic_that_is_not_there_and_a_broker_that_is_not_are_said(around: Mapping[str, str]) -> None:
    ran = lag({**around, "SKILLSTREAM_TOPIC_PREFIX": "nowhere."})
    assert (ran.code, ran.out) == (1, b"")
    assert "there is no topic nowhere.student-activity" in ran.err

    ran = lag({"SKILLSTREAM_BROKER": "127.0.0.1:1", "SKILLSTREAM_START_TIMEOUT_S": "0.5"})
    assert (ran.code, ran.out) == (3, b"")
    assert "no Kafka broker answers at 127.0.0.1:1" in ran.err
    assert lag(around, "--every", "0").code == 2


def test_a_page_fits_80_columns_and_keeps_what_tells_owners_apart() -> None:
    owner = GroupMember("skillstream-a-very-long-host-name.of-some.cluster.example-worker-7", "10.0.0.7", "x")
    part = ("school-of-long-prefixes.student-activity", 127)
    shown = Lag(
        {part: Offsets(0, 123_456_789_012, 123_455_789_012, 123_456_789_012)},
        {part: 1_000_000},
        1.0,
        None,
        seconds={part: 200_000.0},
        statuses={part: "REWIND"},
        group=GroupDescription("Stable", (owner,), {part: owner}),
    )
    written = io.StringIO()
    Console(file=written, width=80).print(lag_page("skillstream", shown, 80))

    assert max(map(len, written.getvalue().splitlines())) <= 80
    assert "worker-7" in written.getvalue()
    assert "2 d 7 h" in written.getvalue()
    assert "123455789012" in written.getvalue()
    assert orjson.dumps(shown.as_json())


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "-"),
        (0, "0 s"),
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 m 0 s"),
        (3_599.7, "1 h 0 m"),
        (18_120, "5 h 2 m"),
        (273_600, "3 d 4 h"),
    ],
)
def test_a_duration_is_two_units_at_most(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
