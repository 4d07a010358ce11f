"""Days, ISO weeks and months in UTC: each moment lies in the period that the calendar says."""

from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.spending.limits import NO_SCHOOL, school_of
from streams.spending.periods import PERIODS, end_us, minute_of, now_at, period_name

MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1)).map(lambda at: at.replace(tzinfo=UTC))


def us(at: datetime) -> int:
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


@settings(max_examples=50)
@given(at=MOMENTS)
def test_periods_are_those_of_the_calendar(at: datetime) -> None:
    year, week, _ = at.isocalendar()
    names = [period_name(period, number) for period, number in zip(PERIODS, now_at(us(at)), strict=True)]
    assert names == [at.date().isoformat(), f"{year}-W{week:02}", at.strftime("%Y-%m")]


@settings(max_examples=50)
@given(at=MOMENTS)
def test_a_period_ends_where_the_next_begins(at: datetime) -> None:
    for index, period in enumerate(PERIODS):
        number = now_at(us(at))[index]
        end = end_us(period, number)
        assert us(at) < end
        assert now_at(end - 1)[index] == number
        assert now_at(end)[index] == number + 1


def test_the_end_is_told_to_the_minute() -> None:
    assert minute_of(end_us("week", now_at(us(datetime(2026, 11, 28, tzinfo=UTC))).week)) == "2026-11-30T00:00Z"


def test_a_school_is_what_stands_before_the_separator() -> None:
    assert school_of("north:4711:x", ":") == "north"
    assert [school_of(student, ":") for student in ("4711", ":4711", "\x00:1")] == [NO_SCHOOL] * 3
    assert school_of("north:4711", "") == NO_SCHOOL
    assert len(school_of("n" * 300 + ":1", ":")) == 64
