"""`skillstream capacity`: what it prints, and what it refuses."""

import json

import pytest

from tests.cli.conftest import Run

ONE = ("--students", "100000", "--events-per-s", "1000")


def test_one_demand_is_told_in_full(run: Run) -> None:
    ran = run("capacity", *ONE)

    assert (ran.code, ran.err) == (0, "")
    for name in ("workers", "partitions", "its memory", "its restart", "student-activity", "skill-updates", "calls"):
        assert f"\n{name} " in f"\n{ran.out}"


def test_several_are_compared_a_line_each(run: Run) -> None:
    ran = run("capacity", "--students", "1000,10000000", "--events-per-s", "10,1000000")

    assert ran.code == 0
    small, large = (line.split() for line in ran.out.splitlines()[-3:-1])
    assert (small[0], large[0:2]) == ("1", ["10", "M"])
    assert max(map(len, ran.out.splitlines())) <= 80


def test_json_is_an_object_a_line(run: Run) -> None:
    ran = run("capacity", "--students", "1000,2000", "--events-per-s", "10,20", "--json")

    small, large = map(json.loads, ran.out.splitlines())
    assert (small["demand"]["students"], large["demand"]["students"]) == (1_000, 2_000)
    assert {topic["topic"] for topic in small["disk"]} == {"student-activity", "students-changelog", "skill-updates"}


def test_workers_that_are_too_few_are_judged(run: Run) -> None:
    ran = run("capacity", "--students", "1000", "--events-per-s", "100000", "--workers", "1")

    assert ran.code == 0
    assert "note: it falls behind" in ran.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--students"),
        (("--students", "1000,2000", "--events-per-s", "10"), "2 --students, but 1 --events-per-s"),
        (("--students", "0", "--events-per-s", "10"), "whole numbers"),
        (("--students", "many", "--events-per-s", "10"), "whole numbers"),
        ((*ONE, "--utilisation", "1.5"), "--utilisation"),
        ((*ONE, "--mean-share", "nan"), "--mean-share"),
        ((*ONE, "--dialect", "scorm"), "--dialect"),
    ],
)
def test_what_cannot_be_planned_is_refused(run: Run, arguments: tuple[str, ...], said: str) -> None:
    ran = run("capacity", *arguments)

    assert ran.code == 2
    assert said in ran.err
