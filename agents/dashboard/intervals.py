"""Scores between 0 and 1 as SVG: one with its interval on a track, and many over time with theirs as a band."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from html import escape
from typing import Final

_WIDTH: Final = 400
_HEIGHT: Final = 150
_LEFT: Final = 34
_RIGHT: Final = 10
_TOP: Final = 8
_BOTTOM: Final = 22
_LEAST_DAYS: Final = 28


@dataclass(frozen=True, slots=True)
class ScorePoint:
    """A score as of a day; `low` and `high` are None where there is no interval."""

    day: date
    score: float
    low: float | None = None
    high: float | None = None

    def said(self) -> str:
        """In words."""
        return f"{self.score:.2f}{interval_said(self.low, self.high)}"


def interval_said(low: float | None, high: float | None) -> str:
    """Behind a score; nothing without an interval."""
    return "" if low is None or high is None else f", between {low:.2f} and {high:.2f}"


def track(described: str, score: float, low: float | None, high: float | None, ticks: Sequence[float] = ()) -> str:
    """One score on a line from 0 to 1, with its interval and thresholds. In percent of the width that there is."""
    drawn = ['<rect class="track" width="100%" y="7" height="6" rx="3"/>']
    if low is not None and high is not None:
        drawn.append(f'<rect class="range" x="{low:.2%}" width="{high - low:.2%}" y="5" height="10" rx="5"/>')
    drawn += [f'<line class="threshold" x1="{tick:.2%}" x2="{tick:.2%}" y1="1" y2="19"/>' for tick in ticks]
    drawn.append(f'<circle class="first" cx="{score:.2%}" cy="10" r="6"/>')
    label = escape(f"{described}: {score:.2f}{interval_said(low, high)}")
    return f'<svg class="scale" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


def over_time(described: str, points: Sequence[ScorePoint], thresholds: Mapping[str, float]) -> str:
    """Scores by day, the first first, with the interval as a band; nothing is drawn of fewer than two."""
    if len(points) < 2:
        return ""
    end = points[-1].day
    begin = min(points[0].day, end - timedelta(days=_LEAST_DAYS))

    def x(day: date) -> float:
        return _LEFT + (day - begin).days / (end - begin).days * (_WIDTH - _LEFT - _RIGHT)

    drawn = [
        f'<path class="grid" d="M{_LEFT} {_y(at):.1f}H{_WIDTH - _RIGHT}"/>'
        f'<text x="{_LEFT - 6}" y="{_y(at) + 4:.1f}" text-anchor="end">{at:g}</text>'
        for at in (0.0, 0.5, 1.0)
    ]
    drawn += [
        f'<path class="threshold" d="M{_LEFT} {_y(at):.1f}H{_WIDTH - _RIGHT}"><title>{escape(name)} from {at:g} on'
        "</title></path>"
        for name, at in thresholds.items()
    ]
    band = [point for point in points if point.low is not None and point.high is not None]
    if len(band) > 1:
        upper = [f"{x(point.day):.1f},{_y(point.high or 0.0):.1f}" for point in band]
        lower = [f"{x(point.day):.1f},{_y(point.low or 0.0):.1f}" for point in reversed(band)]
        drawn.append(f'<polygon class="first" points="{" ".join((*upper, *lower))}"/>')
    joined = " ".join(f"{x(point.day):.1f},{_y(point.score):.1f}" for point in points)
    drawn.append(f'<polyline class="first" points="{joined}"/>')
    drawn += [
        f'<circle class="first" cx="{x(point.day):.1f}" cy="{_y(point.score):.1f}" r="3">'
        f"<title>{point.day.isoformat()}: {escape(point.said())}</title></circle>"
        for point in points
    ]
    drawn += [
        f'<text x="{_LEFT}" y="{_HEIGHT - 5}">{begin.isoformat()}</text>',
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 5}" text-anchor="end">{end.isoformat()}</text>',
    ]
    first, last = points[0], points[-1]
    label = escape(
        f"{described}, {len(points)} weeks: {first.said()} on {first.day.isoformat()}; "
        f"{last.said()} on {last.day.isoformat()}"
    )
    return f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'


def _y(score: float) -> float:
    return _HEIGHT - _BOTTOM - min(max(score, 0.0), 1.0) * (_HEIGHT - _BOTTOM - _TOP)
