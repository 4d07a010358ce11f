"""Burrow's rules, as its wiki has them, and what a window that is not whole may say."""

import pytest

from agents.health.lag.status import LagSample, LagStatus, LagWindow, group_status, status_of


def samples(*offset_and_lag: tuple[int, int]) -> list[LagSample]:
    return [LagSample(10.0 * index, offset, lag) for index, (offset, lag) in enumerate(offset_and_lag)]


@pytest.mark.parametrize(
    ("window", "is_owned", "status"),
    [
        ([(5, 0), (5, 0), (5, 0)], True, "OK"),
        ([(5, 3), (5, 0), (5, 9)], False, "OK"),  # level once: the first rule comes first
        ([(5, 3), (4, 9), (5, 9)], True, "REWIND"),
        ([(5, 3), (4, 9), (4, 9)], False, "REWIND"),
        ([(5, 3), (5, 3), (5, 3)], True, "STALL"),
        ([(5, 3), (5, 6), (5, 9)], True, "STALL"),
        ([(5, 3), (5, 6), (5, 9)], None, "STALL"),
        ([(5, 3), (5, 6), (5, 9)], False, "STOP"),
        ([(5, 3), (6, 3), (7, 3)], True, "WARN"),
        ([(5, 3), (6, 8), (7, 9)], True, "WARN"),
        ([(5, 3), (6, 8), (7, 7)], True, "OK"),
        ([(5, 9), (6, 8), (7, 7)], True, "OK"),
    ],
)
def test_the_first_rule_that_fits_gives_the_status(
    window: list[tuple[int, int]], is_owned: bool | None, status: LagStatus
) -> None:
    assert status_of(samples(*window), is_owned=is_owned, is_whole=True) == status


@pytest.mark.parametrize(
    ("window", "status"),
    [([], None), ([(5, 0)], "OK"), ([(5, 3)], None), ([(5, 3), (5, 9)], None), ([(5, 3), (4, 4)], "REWIND")],
)
def test_before_the_window_is_whole_only_what_is_certain_is_said(
    window: list[tuple[int, int]], status: LagStatus | None
) -> None:
    assert status_of(samples(*window), is_owned=True, is_whole=False) == status


def test_the_window_slides_and_forgets_when_nothing_waited() -> None:
    window = LagWindow(60.0)
    window.note(LagSample(0.0, 5, 0))
    for second in range(5, 65, 5):
        window.note(LagSample(float(second), 5, second))
        assert window.status(is_owned=True) == "OK"
    window.note(LagSample(65.0, 5, 65))

    assert window.status(is_owned=True) == "STALL"
    assert window.growth_per_s() == 1.0


@pytest.mark.parametrize(
    ("statuses", "status"),
    [
        (["OK", "OK"], "OK"),
        (["OK", "WARN"], "WARN"),
        (["WARN", "STALL"], "ERR"),
        (["OK", "REWIND", None], "ERR"),
        (["STOP"], "ERR"),
        (["ERR", "OK"], "ERR"),
        (["OK", None], None),
        (["WARN", None], "WARN"),
    ],
)
def test_a_group_is_as_well_as_its_worst_partition(statuses: list[LagStatus | None], status: LagStatus | None) -> None:
    assert group_status(statuses) == status


def test_two_looks_within_one_moment_have_no_growth() -> None:
    window = LagWindow(60.0)
    assert window.growth_per_s() is None
    window.note(LagSample(7.0, 5, 3))
    window.note(LagSample(7.0, 5, 9))

    assert window.growth_per_s() is None
