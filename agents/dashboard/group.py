"""The whole group, added up from what its workers say: pure, and defined for whatever is missing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from agents.dashboard.figures import (
    PAST_STEP_S,
    DeadLetterFigure,
    LagFigure,
    PageFigures,
    ReasoningFigure,
    TenantFigure,
)
from agents.dashboard.group_past import joined_past
from agents.dashboard.numbers import numbers_said
from agents.dashboard.sums import (
    WORST_FIRST,
    SkillShares,
    all_reasoning,
    all_tenants,
    freshest_lag,
    newest_dead_letters,
    skill_shares,
    source_statuses,
    summed_counts,
    worst,
)

_ABSENT: Final = "worker"
_GROUP: Final = "group"
_OF_GROUP: Final = (_ABSENT, _GROUP)
_LAST_MINUTE: Final = 60 // PAST_STEP_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A worker of the group. `figures` is None where it did not answer: `problem` says why, where that is known.

    `since_s` is when it last got or gave up partitions, as it announced.
    """

    instance: str
    url: str = ""
    version: str = ""
    partitions: tuple[int, ...] = ()
    since_s: float | None = None
    figures: PageFigures | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is not as it should be, and of which workers."""

    status: str
    name: str
    reason: str
    instances: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupView:
    """What the page shows. `series` have a value for each end of a step in `ends_s`; rates are a second."""

    at_s: float
    members: Sequence[Member]
    status: str
    problems: Sequence[Problem]
    ends_s: Sequence[int]
    series: Mapping[str, Sequence[float | None]]
    lag: LagFigure
    degraded_updates: float
    dead_letters: Mapping[str, float]
    last_dead_letters: Sequence[DeadLetterFigure]
    sources: Mapping[str, str]
    source_failures: Mapping[str, float]
    reasoning: ReasoningFigure
    skills: SkillShares
    tenants: Sequence[TenantFigure] = ()

    @property
    def answered(self) -> int:
        """How many workers are in these figures."""
        return sum(each.figures is not None for each in self.members)

    @property
    def students(self) -> int:
        """Rows held by those that answered."""
        return sum(each.figures.students for each in self.members if each.figures is not None)

    def latest(self, name: str) -> float | None:
        """A series' last known value, of the last minute; None where there is none."""
        return next((value for value in self.series.get(name, ())[: -_LAST_MINUTE - 1 : -1] if value is not None), None)

    def mean(self, name: str) -> float | None:
        """The mean of a series' last minute; None where nothing of it is known."""
        known = [value for value in self.series.get(name, ())[-_LAST_MINUTE:] if value is not None]
        return sum(known) / len(known) if known else None


def group_view(
    members: Sequence[Member], at_s: float, unowned: Sequence[int] = (), unclear: str | None = None
) -> GroupView:
    """Add up. What all workers have alike (lag, budget) is taken once; what each counts is summed.

    `unowned` are partitions that nobody owns, `unclear` why `members` may be out of date.
    """
    said = [each.figures for each in members if each.figures is not None]
    owners = {partition: each.instance for each in members for partition in each.partitions}
    ends_s, series = joined_past([each.past for each in said])
    problems = [*_problems_of_group(unowned, unclear), *_problems(members)]
    return GroupView(
        at_s=at_s,
        members=sorted(members, key=lambda each: (each.partitions or (1 << 31,), each.instance)),
        status=_status(said, problems),
        problems=sorted(problems, key=lambda each: WORST_FIRST.index(worst([each.status]))),
        ends_s=ends_s,
        series=series,
        lag=freshest_lag([each.lag for each in said], owners),
        degraded_updates=sum(each.degraded_updates for each in said),
        dead_letters=summed_counts(each.dead_letters for each in said),
        last_dead_letters=newest_dead_letters(each.last_dead_letters for each in said),
        sources=source_statuses([each.sources for each in said]),
        source_failures=summed_counts(each.source_failures for each in said),
        reasoning=all_reasoning([each.reasoning for each in said]),
        skills=skill_shares([each.skills for each in said]),
        tenants=all_tenants(each.tenants for each in said),
    )


def _status(said: Sequence[PageFigures], problems: Sequence[Problem]) -> str:
    """Down only where nobody works: what one worker owned, others take over."""
    if all(each.status == "down" for each in said):
        return "down"
    statuses = ["degraded" if each.status == "down" else each.status for each in said]
    return worst([*statuses, "degraded" if any(each.name in _OF_GROUP for each in problems) else "ok"])


def _problems(members: Sequence[Member]) -> list[Problem]:
    found: dict[tuple[str, str, str], list[str]] = {}
    for each in members:
        if each.figures is None:
            found.setdefault(("degraded", _ABSENT, each.problem or "no answer"), []).append(each.instance)
            continue
        for part in each.figures.components:
            if part.status != "ok":
                found.setdefault((part.status, part.name, part.reason), []).append(each.instance)
    problems = [
        Problem(status=status, name=name, reason=reason, instances=tuple(instances))
        for (status, name, reason), instances in found.items()
    ]
    return sorted(problems, key=lambda each: each.name)


def _problems_of_group(unowned: Sequence[int], unclear: str | None) -> list[Problem]:
    reasons = [unclear] if unclear is not None else []
    if unowned:
        reasons.append(f"no worker owns {'partitions' if len(unowned) > 1 else 'partition'} {numbers_said(unowned)}")
    return [Problem(status="degraded", name=_GROUP, reason=reason, instances=()) for reason in reasons]
