"""The workers of a group, as /group/figures has them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import Struct

from agents.dashboard.figures import PageFigures
from agents.dashboard.group import Member

DASHBOARD_PART: Final = "dashboard"
"""The name of a worker's PageFigures among its figures."""


class _Announced(Struct, frozen=True):
    program: str = ""
    since: datetime | None = None


class _Figures(Struct, frozen=True):
    worker: _Announced = _Announced()
    dashboard: PageFigures | None = None


class _Worker(Struct, frozen=True):
    instance: str
    url: str = ""
    partitions: tuple[int, ...] = ()
    state: str = "away"
    problem: str | None = None
    figures: _Figures | None = None


def members_of(document: Mapping[str, Any]) -> list[Member]:
    """All that the document names. A worker whose figures are of another kind than ours counts as one without."""
    return [_member(each) for each in document.get("workers", ())]


def _member(answer: Mapping[str, Any]) -> Member:
    try:
        worker = msgspec.convert(answer, _Worker)
    except msgspec.ValidationError as error:
        return Member(instance=str(answer.get("instance", "?")), problem=f"its figures cannot be read: {error}")
    announced = worker.figures.worker if worker.figures is not None else _Announced()
    return Member(
        instance=worker.instance,
        url=worker.url,
        version=announced.program,
        partitions=worker.partitions,
        since_s=announced.since.timestamp() if announced.since is not None else None,
        figures=worker.figures.dashboard if worker.figures is not None else None,
        problem=worker.problem or ("" if worker.state == "live" else "no answer"),
    )
