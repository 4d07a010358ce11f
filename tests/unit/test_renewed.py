"""A client that failed is replaced, but not in a tight loop, and never under the feet of who still uses it."""

from contextlib import suppress

import pytest

from agents.kafka.renewed import Renewed


class Stale(Exception):
    """Of a client."""


class Opened:
    """Counts what is opened; the clock is set by hand."""

    def __init__(self) -> None:
        self.count = 0
        self.now_s = 100.0
        self.clients = Renewed(self._open, lambda: self.now_s)

    def _open(self) -> int:
        self.count += 1
        return self.count

    def succeed(self) -> int:
        with self.clients.round() as client:
            return client

    def doubt(self) -> None:
        with self.clients.round():
            self.clients.doubt()

    def fail(self) -> None:
        with pytest.raises(Stale), self.clients.round():
            raise Stale


def test_a_client_is_opened_when_it_is_needed_and_kept_while_it_answers() -> None:
    opened = Opened()
    assert opened.count == 0
    for _ in range(5):
        opened.now_s += 60
        assert opened.succeed() == 1


def test_after_a_failure_the_next_round_has_a_fresh_client() -> None:
    opened = Opened()
    opened.succeed()
    opened.now_s += 60
    opened.fail()

    assert opened.succeed() == 2


def test_a_client_that_told_only_a_part_is_replaced_too() -> None:
    opened = Opened()
    opened.succeed()
    opened.now_s += 60
    opened.doubt()

    assert opened.succeed() == 2


def test_while_a_part_is_never_told_clients_are_opened_once_a_minute_and_one_whole_answer_forgives() -> None:
    opened = Opened()
    for _ in range(720):  # an hour of rounds, one each 5 s
        opened.doubt()
        opened.now_s += 5
    assert 55 <= opened.count <= 70

    opened.now_s += 60
    before = opened.succeed()
    opened.now_s += 1
    opened.doubt()
    assert opened.succeed() == before + 1


def test_while_rounds_fail_clients_are_opened_seldom_and_one_at_least_every_five_seconds() -> None:
    opened = Opened()
    for _ in range(600):  # a minute of failures, ten a second
        opened.fail()
        opened.now_s += 0.1
    assert 12 <= opened.count <= 16

    before = opened.count
    opened.now_s += 5
    assert opened.succeed() == before + 1


def test_a_round_that_succeeds_forgives() -> None:
    opened = Opened()
    for _ in range(100):
        opened.fail()
        opened.now_s += 1
    opened.succeed()
    opened.now_s += 1
    opened.fail()
    before = opened.count

    assert opened.succeed() == before + 1


def test_the_failure_of_a_client_already_replaced_changes_nothing() -> None:
    opened = Opened()
    with suppress(Stale), opened.clients.round() as first:
        opened.now_s += 60
        opened.fail()
        assert opened.succeed() == first + 1
        raise Stale

    assert opened.succeed() == 2
