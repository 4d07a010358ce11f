"""Charts over time, as SVG. Colours are the page's, by class; each reads without a script, which adds but a cursor.

A chart has units of its own, and scales with the page: its text is sized to be read from 300 pixels on.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Final

import orjson

from agents.dashboard.figures import PAST_STEP_S
from agents.dashboard.numbers import utc_time

_WIDTH: Final = 400
_HEIGHT: Final = 190
_LEFT: Final = 54
_RIGHT: Final = 8
_TOP: Final = 10
_BOTTOM: Final = 24
_LEAST_STEPS: Final = 60
_TICKS: Final = 4
_TIME_EVERY_S: Final = 300
_Values = Sequence[float | None]

Shown = Callable[[float | None], str]
"""Writes a value with its unit."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A value a step; `kind` is the class that colours it."""

    name: str
    values: _Values
    kind: str


@dataclass(frozen=True, slots=True)
class TimeChart:
    """Curves over the steps that end at `ends_s`; `shown` writes a value with its unit."""

    described: str
    ends_s: Sequence[int]
    curves: Sequence[Curve]
    shown: Shown

    def html(self) -> str:
        """The chart and what its colours mean; a sentence where there is nothing to draw."""
        if not any(value is not None for curve in self.curves for value in curve.values):
            return '<p class="empty">Nothing measured yet.</p>'
        key = "".join(
            f'<li><i class="{each.kind}"></i>{escape(each.name)} <b>{escape(self.shown(_last(each.values)))}</b></li>'
            for each in self.curves
        )
        return f'<ul class="key">{key}</ul>{self._svg()}'

    def _svg(self) -> str:
        top = self._top()
        ticks = [top * number / _TICKS for number in range(_TICKS + 1)]
        grid = "".join(
            f'<path class="grid" d="M{_LEFT} {self._y(at, top):.1f}H{_WIDTH - _RIGHT}"/>'
            f'<text x="{_LEFT - 6}" y="{self._y(at, top) + 4:.1f}" text-anchor="end">{escape(self.shown(at))}</text>'
            for at in ticks
        )
        drawn = "".join(self._drawn(curve, top, first=curve is self.curves[0]) for curve in self.curves)
        names = orjson.dumps([curve.name for curve in self.curves]).decode()
        values = [[self.shown(value) for value in curve.values] for curve in self.curves]
        return (
            f'<svg class="chart" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(self._said())}" '
            f'data-left="{self._x(0):.1f}" data-right="{_WIDTH - _RIGHT}" data-top="{_TOP}" '
            f'data-bottom="{_HEIGHT - _BOTTOM}" data-last="{self.ends_s[-1]}" data-step="{PAST_STEP_S}" '
            f'data-names="{escape(names)}" data-values="{escape(orjson.dumps(values).decode())}">'
            f"{grid}{''.join(self._times())}{drawn}</svg>"
        )

    def _said(self) -> str:
        """For who listens: each curve's last value and its range."""
        said = [self.described]
        for curve in self.curves:
            known = [value for value in curve.values if value is not None]
            if known:
                now, least, most = self.shown(known[-1]), self.shown(min(known)), self.shown(max(known))
                said.append(f"{curve.name}: {now} now, from {least} to {most}")
        return ". ".join(said)

    def _drawn(self, curve: Curve, top: float, *, first: bool) -> str:
        paths = []
        for points in _unbroken(curve.values):
            joined = " ".join(f"{self._x(at):.1f},{self._y(value, top):.1f}" for at, value in points)
            if len(points) == 1:
                x, y = joined.split(",")
                paths.append(f'<circle class="{curve.kind}" cx="{x}" cy="{y}" r="2"/>')
                continue
            if first:
                floor, start, end = _HEIGHT - _BOTTOM, self._x(points[0][0]), self._x(points[-1][0])
                paths.append(f'<polygon class="{curve.kind}" points="{start:.1f},{floor} {joined} {end:.1f},{floor}"/>')
            paths.append(f'<polyline class="{curve.kind}" points="{joined}"/>')
        return "".join(paths)

    def _times(self) -> Iterator[str]:
        """The time of day, every five minutes."""
        last = self.ends_s[-1]
        for at_s in range(last - last % _TIME_EVERY_S, last - self._steps() * PAST_STEP_S, -_TIME_EVERY_S):
            x = self._x(len(self.ends_s) - 1 - (last - at_s) // PAST_STEP_S)
            yield f'<path class="tick" d="M{x:.1f} {_HEIGHT - _BOTTOM}v4"/>'
            anchor = "end" if x > _WIDTH - 40 else "middle" if x > _LEFT + 16 else "start"
            yield f'<text x="{x:.1f}" y="{_HEIGHT - 6}" text-anchor="{anchor}">{utc_time(at_s)[:5]}</text>'

    def _steps(self) -> int:
        return max(len(self.ends_s), _LEAST_STEPS)

    def _x(self, at: float) -> float:
        """Of the step at index `at`: the last one is on the right, whatever is missing on the left."""
        return _WIDTH - _RIGHT - (len(self.ends_s) - 1 - at) * (_WIDTH - _LEFT - _RIGHT) / (self._steps() - 1)

    def _y(self, value: float, top: float) -> float:
        return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _BOTTOM - _TOP)

    def _top(self) -> float:
        return round_top(max(value for curve in self.curves for value in curve.values if value is not None))


def round_top(most: float) -> float:
    """A round number at or above `most` that can be parted in four; 1e-3 at least."""
    power = 1e-3
    while power * 8 < most:
        power *= 10
    return next(step * power for step in (1, 2, 4, 6, 8) if step * power >= most) if most > 0 else 1.0


def _last(values: _Values) -> float | None:
    return next((value for value in reversed(values) if value is not None), None)


def _unbroken(values: _Values) -> Iterator[list[tuple[int, float]]]:
    """The runs of values that are known, each with its index."""
    for known, run in groupby(enumerate(values), key=lambda each: each[1] is not None):
        if known:
            yield [(at, value) for at, value in run if value is not None]
