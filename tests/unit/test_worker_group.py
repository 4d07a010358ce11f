"""The group as announcements tell it: who is there, who owns what, who is away."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec
import pytest

from agents.config.settings import Settings
from agents.peers.group import Announced, WorkerGroup
from agents.peers.own import OwnWorker, advertised_url, named_in
from schemas.announcement import WorkerAnnouncement, encode_announcement
from schemas.examples import ANNOUNCEMENT
from streams.replay import FileRecord

T0: Final = datetime(2026, 11, 28, 9, tzinfo=UTC)


def announced(instance: str, *partitions: int, at_s: float = 0, since_s: float = 0) -> WorkerAnnouncement:
    at, since = T0 + timedelta(seconds=at_s), T0 + timedelta(seconds=since_s)
    return msgspec.structs.replace(ANNOUNCEMENT, instance=instance, partitions=partitions, at=at, since=since)


def record(value: bytes | None, key: bytes) -> FileRecord:
    return FileRecord(0, 0, value, "skillstream-workers", 0, key)


def said(announcement: WorkerAnnouncement) -> FileRecord:
    return record(encode_announcement(announcement), announcement.instance.encode())


def group_of(*records: FileRecord, own: WorkerAnnouncement | None = None, at_s: float = 0) -> WorkerGroup:
    known = Announced()
    known.note(records)
    return known.group(own or announced("me", at_s=at_s), T0 + timedelta(seconds=at_s))


def owners(group: WorkerGroup) -> Mapping[int, str]:
    return {partition: peer.instance for partition in range(4) if (peer := group.owner(partition)) is not None}


def test_the_newest_announcement_of_each_worker_counts_and_a_null_says_that_it_has_left() -> None:
    group = group_of(said(announced("a", 0, 1)), said(announced("b", 2)), said(announced("a", 1)), record(None, b"b"))

    assert [peer.instance for peer in group.workers] == ["a", "me"]
    assert owners(group) == {1: "a"}
    assert group.unowned(4) == [0, 2, 3]


def test_what_a_worker_knows_of_itself_is_not_what_it_announced_before() -> None:
    group = group_of(said(announced("me", 0)), own=announced("me", 3))

    assert owners(group) == {3: "me"}
    assert [peer.is_self for peer in group.workers] == [True]


def test_a_worker_of_which_nothing_is_heard_for_three_intervals_is_away_and_owns_what_nobody_took_over() -> None:
    quiet = said(announced("quiet", 0, 1))
    still_live = group_of(quiet, at_s=90)
    away = group_of(quiet, said(announced("b", 1, at_s=91, since_s=91)), at_s=91)

    assert [peer.is_live for peer in still_live.workers] == [True, True]
    assert {peer.instance: peer.is_live for peer in away.workers} == {"b": True, "me": True, "quiet": False}
    assert owners(away) == {0: "quiet", 1: "b"}
    assert away.unowned(2) == [0]


def test_a_worker_that_is_away_and_owns_nothing_any_more_is_not_shown() -> None:
    group = group_of(said(announced("gone", 0)), said(announced("b", 0, at_s=95, since_s=20)), at_s=95)

    assert [peer.instance for peer in group.workers] == ["b", "me"]


@pytest.mark.parametrize("newest_first", [False, True])
def test_of_two_that_claim_a_partition_the_one_that_got_it_later_owns_it(newest_first: bool) -> None:
    paused, owner = announced("paused", 0, at_s=60), announced("owner", 0, at_s=30, since_s=30)
    records = [said(owner), said(paused)] if newest_first else [said(paused), said(owner)]

    assert owners(group_of(*records, at_s=60)) == {0: "owner"}


def test_what_is_a_day_old_is_dropped() -> None:
    assert [p.instance for p in group_of(said(announced("old", 0)), at_s=86_401).workers] == ["me"]


@pytest.mark.parametrize(
    ("value", "key"),
    [
        (b"", b"a"),
        (b"null", b"a"),
        (b"[" * 100_000, b"a"),
        (b"\xff", b"a"),
        (b" " * 300_000, b"a"),
        (encode_announcement(announced("a")), b"b"),
        (encode_announcement(announced("a")), b"\xff"),
        (encode_announcement(msgspec.structs.replace(announced("a"), at=datetime(2026, 1, 1))), b"a"),
        (encode_announcement(msgspec.structs.replace(announced("a"), url="file:///etc/passwd")), b"a"),
        (encode_announcement(msgspec.structs.replace(announced("a"), url="http://a:1/x")), b"a"),
        (encode_announcement(msgspec.structs.replace(announced("a"), interval_s=1e9)), b"a"),
    ],
)
def test_what_is_no_announcement_is_passed_over(value: bytes, key: bytes) -> None:
    known = Announced()

    assert known.note([record(value, key), said(announced("b", 1))]) == 1
    assert [peer.instance for peer in known.group(announced("me"), T0).workers] == ["b", "me"]


def test_a_worker_says_since_when_it_owns_what_it_owns() -> None:
    now, owned = [T0], [(frozenset[int](), False)]
    own = OwnWorker("me", lambda port: f"http://h:{port}", lambda: owned[0], 30, lambda: now[0])
    now[0], owned[0] = T0 + timedelta(seconds=5), (frozenset({2, 1}), False)
    restoring = own.announcement()
    own.pages_port = 7
    own.find_url()
    now[0], owned[0] = T0 + timedelta(seconds=9), (frozenset({2, 1}), True)
    ready = own.announcement()

    assert (restoring.partitions, restoring.ready, restoring.since) == ((1, 2), False, T0 + timedelta(seconds=5))
    assert (ready.partitions, ready.ready, ready.since) == ((1, 2), True, restoring.since)
    assert ready.url == "http://h:7"
    assert (ready.started, ready.at) == (T0, T0 + timedelta(seconds=9))


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ({}, "http://127.0.0.1:7"),
        ({"web_host": "::1"}, "http://[::1]:7"),
        ({"web_host": "[::1]"}, "http://[::1]:7"),
        ({"web_host": "10.1.2.3"}, "http://10.1.2.3:7"),
        ({"web_host": "0.0.0.0", "broker": "127.0.0.1:9092"}, "http://127.0.0.1:7"),
        ({"web_host": "0.0.0.0", "advertised_url": "https://w0.example/"}, "https://w0.example"),
    ],
)
def test_the_address_that_is_announced_is_one_that_others_can_ask_at(settings: dict[str, Any], url: str) -> None:
    assert advertised_url(Settings(**settings), 7) == url


def test_the_name_in_an_address_is_one_that_the_pages_are_asked_for_by() -> None:
    assert named_in("https://w0.example:8443") == ["w0.example"]
    assert named_in(None) == []
