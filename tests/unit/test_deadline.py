"""Waiting for Kafka ends when the time is up, and not before."""

from agents.kafka.deadline import Deadline


class Clock:
    """Set by hand, and moved on by sleeping."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def deadline(timeout_s: float) -> tuple[Clock, Deadline]:
    clock = Clock()
    return clock, Deadline(timeout_s, clock, clock.sleep)


def test_a_deadline_is_over_when_its_time_is_up_and_has_nothing_left_then() -> None:
    clock, limit = deadline(5.0)
    assert (limit.left_s, limit.is_over) == (5.0, False)
    clock.now_s += 4.5
    assert (limit.left_s, limit.is_over) == (0.5, False)
    clock.now_s += 1.0
    assert (limit.left_s, limit.is_over) == (0.0, True)


def test_what_comes_renews_it() -> None:
    clock, limit = deadline(5.0)
    clock.now_s += 4.0
    limit.renew()
    clock.now_s += 4.0
    assert not limit.is_over


def test_a_pause_is_no_longer_than_what_is_left() -> None:
    clock, limit = deadline(5.0)
    limit.pause(3.0)
    limit.pause(3.0)
    assert clock.now_s == 105.0
