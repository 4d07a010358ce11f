"""The group's figures: what is alike is taken once, what is counted is summed, what is missing stays missing."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.dashboard.figures import (
    PAST_STEP_S,
    LagFigure,
    PageFigures,
    PartitionFigure,
    PastFigure,
    written,
)
from agents.dashboard.group import Member, group_view
from agents.dashboard.members import members_of
from agents.dashboard.past import PAST_STEPS, CounterReading, PastSteps, quantile
from tests.agents.dashboard_groups import BOUNDS_S, NOW_S, figures, half_a_group, past, whole_group

counts = st.lists(st.integers(0, 50), min_size=4, max_size=4)


def reading(records: float, lag: float | None = 0.0, latency: list[int] | None = None) -> CounterReading:
    sums = {"records": records, "updates": 0.0}
    return CounterReading(sums, {"lag": lag, "pending": 0.0}, latency or [])


def test_a_group_sums_what_each_counts_and_takes_once_what_all_have_alike() -> None:
    view = group_view(whole_group(), NOW_S)

    assert view.students == sum(figures(number).students for number in range(3))
    assert view.dead_letters == {"not_json": 123, "missing_field": 36, "unknown_verb": 9}
    assert sum(each.records or 0 for each in view.lag.partitions) == 2_045
    assert view.reasoning.budget["usd/day"] == 0.62
    assert view.reasoning.spend_usd == pytest.approx(3 * 4.127)
    assert view.reasoning.oldest_pending_s == 380
    assert [each.owner for each in view.lag.partitions] == ["worker-0"] * 2 + ["worker-1"] * 2 + ["worker-2"] * 2


def test_rates_are_the_sum_of_all_workers_and_the_lag_is_not() -> None:
    one, all_three = (group_view(members, NOW_S) for members in (whole_group()[:1], whole_group()))

    records = [each.past.series["records"] for each in map(figures, range(3))]
    assert all_three.series["records"][-1] == pytest.approx(sum(each[-1] or 0 for each in records) / PAST_STEP_S)
    assert all_three.series["lag"] == one.series["lag"]


def test_a_step_that_one_worker_has_not_told_of_yet_is_left_out_and_a_hanging_one_holds_up_nobody() -> None:
    late, hanging = (past(1, ends_s=NOW_S - seconds) for seconds in (5, 60))

    def ends_with(other: PastFigure) -> int:
        members = [
            Member(instance=str(number), figures=msgspec.structs.replace(figures(number), past=each))
            for number, each in enumerate((past(0), other))
        ]
        return group_view(members, NOW_S).ends_s[-1]

    assert ends_with(late) == NOW_S - 5
    assert ends_with(hanging) == NOW_S - 5


def test_the_status_is_the_worst_and_a_worker_that_does_not_answer_degrades_the_group() -> None:
    def status(*said: str | None) -> str:
        members = [
            Member(instance=str(at), figures=None if each is None else PageFigures(status=each))
            for at, each in enumerate(said)
        ]
        return group_view(members, NOW_S).status

    assert status("ok") == "ok"
    assert status("ok", "degraded") == "degraded"
    assert status("ok", None) == "degraded"
    assert status("failing", None) == "failing"
    assert status("down", "ok") == "degraded"
    assert status("down", "down") == "down"
    assert status(None) == "down"


def test_partitions_that_nobody_owns_and_a_group_that_is_not_known_are_problems() -> None:
    members = [Member(instance="w", figures=PageFigures())]
    view = group_view(members, NOW_S, unowned=[1, 2, 5], unclear="not read yet")

    assert view.status == "degraded"
    assert [problem.reason for problem in view.problems] == ["not read yet", "no worker owns partitions 1–2, 5"]
    assert group_view(members, NOW_S).status == "ok"


def test_of_half_a_group_what_is_known_is_shown_and_what_is_not_is_said() -> None:
    view = group_view(half_a_group(), NOW_S)

    assert view.answered == 1
    assert view.ends_s == []
    assert view.latest("p95") is None
    assert "no answer within 5 s" in (view.lag.problem or "")
    assert [problem.instances for problem in view.problems] == [("worker-1", "worker-2")]


def test_the_freshest_lag_counts_not_the_first_and_none_that_has_a_problem() -> None:
    def lag_of(*ages_s: float | None) -> int | None:
        said = [
            LagFigure(
                problem="no answer" if age_s is None else None,
                age_s=age_s,
                partitions=[PartitionFigure(topic="t", partition=0, records=at)],
            )
            for at, age_s in enumerate(ages_s)
        ]
        members = [Member(instance=str(at), figures=PageFigures(lag=lag)) for at, lag in enumerate(said)]
        return group_view(members, NOW_S).lag.partitions[0].records

    assert lag_of(5.0, 1.0, 3.0) == 1
    assert lag_of(None, 9.0) == 1


def test_a_sample_counts_by_the_students_it_stands_for() -> None:
    def member(students: int, proficient: int, emerging: int) -> Member:
        levels = {"proficient": proficient, "emerging": emerging}
        document = {"skills": {"students": students, "sampled": 10, "skills": [{"skill": "s", "levels": levels}]}}
        return Member(instance=str(students), figures=msgspec.convert(document, PageFigures))

    shares = group_view([member(300, 10, 0), member(100, 0, 10)], NOW_S).skills.skills
    assert shares == {"s": {"proficient": 0.75, "emerging": 0.25}}


def test_figures_of_another_version_are_read_as_far_as_they_fit() -> None:
    document = written(figures(0)) | {"invented_later": {"a": 1}}
    del document["reasoning"]
    answer = {"instance": "w", "state": "live", "partitions": [0, 1], "figures": {"dashboard": document}}

    [member] = members_of({"workers": [answer]})
    assert member.figures == msgspec.structs.replace(figures(0), reasoning=PageFigures().reasoning)
    [silent] = members_of({"workers": [answer | {"figures": None, "state": "away", "problem": "gone"}]})
    assert silent.problem == "gone"
    [other] = members_of({"workers": [answer | {"figures": {"dashboard": {"lag": 7}}}]})
    assert other.figures is None
    assert "cannot be read" in other.problem


def test_the_past_has_what_was_added_in_each_step_and_nothing_where_nobody_looked() -> None:
    steps = PastSteps()
    for step, records in ((0, 100), (1, 110), (2, 130), (5, 190)):
        steps.add(step * PAST_STEP_S + 1, reading(records))

    assert steps.past().series["records"] == [10, 20, None, None, 60]
    assert steps.past().ends_s == 6 * PAST_STEP_S


def test_two_readings_within_one_step_lose_nothing() -> None:
    steps = PastSteps()
    for at_s, records in ((0, 0), (5, 10), (7, 15), (10, 20)):
        steps.add(at_s, reading(records))

    assert steps.past().series["records"] == [10, 10]


def test_the_past_is_bounded() -> None:
    steps = PastSteps()
    for step in range(3 * PAST_STEPS):
        steps.add(step * PAST_STEP_S, reading(step))

    assert len(steps.past().latency) == PAST_STEPS
    steps.add(10_000 * PAST_STEP_S, reading(10_000))
    assert len(steps.past().latency) == PAST_STEPS


@given(counts, counts, st.floats(0.01, 0.99))
@settings(max_examples=50)
def test_a_quantile_is_within_its_buckets_and_of_both_between_those_of_each(
    one: list[int], other: list[int], share: float
) -> None:
    bounds_s = [1.0, 2.0, 4.0]
    both = quantile(share, bounds_s, [a + b for a, b in zip(one, other, strict=True)])
    each = [value for part in (one, other) if (value := quantile(share, bounds_s, part)) is not None]

    assert (both is None) == (not each)
    if both is not None:
        assert 0 <= both <= 4
        assert min(each) - 1e-9 <= both <= max(each) + 1e-9


def test_latencies_of_several_workers_are_those_of_all_records_together() -> None:
    def of(bucket: int, records: int) -> Member:
        latency = [[records if at == bucket else 0 for at in range(len(BOUNDS_S) + 1)]]
        told = PastFigure(ends_s=100, series={}, latency_bounds_s=BOUNDS_S, latency=latency)
        return Member(instance=str(bucket), figures=PageFigures(past=told))

    view = group_view([of(1, 99), of(9, 1)], NOW_S)
    assert 0.005 < (view.latest("p50") or 0) < 0.01
    assert 0.005 < (view.latest("p95") or 0) < 0.01
    assert 2.5 < (group_view([of(1, 50), of(9, 50)], NOW_S).latest("p95") or 0) <= 5


def test_workers_come_in_the_order_of_their_partitions() -> None:
    idle = replace(whole_group()[0], instance="idle", partitions=())
    assert [each.instance for each in group_view([idle, *reversed(whole_group())], NOW_S).members] == [
        "worker-0",
        "worker-1",
        "worker-2",
        "idle",
    ]
