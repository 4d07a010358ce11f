"""Groups of workers as the dashboard is told of them: whole, half missing, and of one that knows nothing."""

from math import sin
from typing import Final

from agents.dashboard.figures import (
    PAST_STEP_S,
    ComponentFigure,
    DeadLetterFigure,
    LagFigure,
    PageFigures,
    PartitionFigure,
    PastFigure,
    ReasoningFigure,
    SkillFigure,
    SkillsFigure,
)
from agents.dashboard.group import Member

NOW_S: Final = 1_796_000_400.0
BOUNDS_S: Final = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0]


def past(phase: float, steps: int = 180, ends_s: float = NOW_S) -> PastFigure:
    """Minutes of work, more or less of it by the time of day."""
    load = [1_200 + 500 * sin(step / 25 + phase) + 120 * sin(step * 1.7 + phase) for step in range(steps)]
    return PastFigure(
        ends_s=int(ends_s // PAST_STEP_S) * PAST_STEP_S,
        series={
            "records": [each * 5 for each in load],
            "updates": [each * 4.2 for each in load],
            "lag": [max(0.0, 900 * sin(step / 30) + 950 + 80 * sin(step * 2.1)) for step in range(steps)],
            "pending": [40.0 + step / 9 for step in range(steps)],
        },
        latency_bounds_s=BOUNDS_S,
        latency=[
            [int(share * each) for share in (0.01, 0.05, 0.2, 0.32, 0.25, 0.1, 0.04, 0.02, 0.01, 0, 0, 0, 0)]
            for each in load
        ],
    )


def lag() -> LagFigure:
    """Of a group that has one partition behind."""
    records = {0: 12, 1: 0, 2: 1_820, 3: 61, 4: 4, 5: 148}
    status = {2: "WARN"}
    return LagFigure(
        age_s=1.2,
        partitions=[
            PartitionFigure(
                topic="student-activity",
                partition=partition,
                committed=81_000 + partition,
                end=81_000 + partition + behind,
                records=behind,
                seconds=behind / 430,
                status=status.get(partition, "OK"),
            )
            for partition, behind in records.items()
        ],
    )


def figures(number: int) -> PageFigures:
    """One worker's, who works."""
    redis = ComponentFigure("redis", "degraded", "127.0.0.1:6379: connection refused")
    return PageFigures(
        status="degraded" if number == 1 else "ok",
        components=[ComponentFigure("broker", "ok", "kafka:9092 answers"), *([redis] if number == 1 else [])],
        students=21_480 + 77 * number,
        lag=lag(),
        degraded_updates=214.0 * number,
        dead_letters={"not_json": 41.0, "missing_field": 12.0 * number, "unknown_verb": 3.0},
        last_dead_letters=[
            DeadLetterFigure(
                at_ms=int(NOW_S * 1000) - 61_000 * each,
                topic="student-activity",
                partition=each,
                offset=81_200,
                reason=why,
            )
            for each, why in enumerate(("not_json", "missing_field", "not_json"))
        ],
        sources={"model": "ok", "behaviour": "ok", "language": "degraded" if number == 1 else "ok"},
        source_failures={"language": 3.0 * number},
        reasoning=ReasoningFigure(
            mode="openai",
            pending=38 + number,
            oldest_pending_s=190.0 * number,
            in_flight=2,
            budget={"usd/day": 0.62, "usd/month": 0.31, "tokens/minute": 0.88},
            spend_usd=4.127,
            granted=1_302.0,
            refused={"minute": 18.0},
            explanations={"model": 1_241.0, "template": 61.0, "scripted": 0.0},
        ),
        skills=SkillsFigure(students=21_480, sampled=500, skills=_skills()),
        past=past(number),
    )


def _skills() -> list[SkillFigure]:
    shares = {
        "problem_solving": (120, 210, 130, 40, 0),
        "critical_thinking": (80, 160, 190, 70, 0),
        "collaboration": (0, 0, 0, 0, 430),
        "creativity": (40, 110, 160, 90, 20),
        "self_regulation": (150, 190, 90, 30, 40),
    }
    names = ("proficient", "developing", "emerging", "unknown", "profile")
    return [SkillFigure(skill=skill, levels=dict(zip(names, each, strict=True))) for skill, each in shares.items()]


def whole_group() -> list[Member]:
    """Three workers, one of which says that Redis does not answer."""
    return [
        Member(
            instance=f"worker-{number}",
            url=f"http://10.0.0.{number + 1}:6066/",
            version="0.1.0",
            partitions=(2 * number, 2 * number + 1),
            since_s=NOW_S - 7_200 * (number + 1),
            figures=figures(number),
        )
        for number in range(3)
    ]


def half_a_group() -> list[Member]:
    """One of three answers, and knows little."""
    first, *others = whole_group()
    little = PageFigures(lag=LagFigure(problem="kafka:9092: no answer within 5 s", age_s=44.0))
    silent = [Member(instance=each.instance, partitions=each.partitions, since_s=each.since_s) for each in others]
    return [Member(instance=first.instance, partitions=first.partitions, figures=little), *silent]
