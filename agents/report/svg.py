"""Plots as inline SVG: axes, lines, dots and bars. Colours are the page's, by class, so that dark and light both fit.

A plot is WIDTH wide in its own units and scales with the page: text is sized to be read from 300 pixels on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Final

WIDTH: Final = 420
HEIGHT: Final = 280
_LEFT: Final = 54
_RIGHT: Final = 14
_TOP: Final = 14
_BOTTOM: Final = 46

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """A scale from `low` to `high`; `ticks` are values and what is written there."""

    title: str
    low: float
    high: float
    ticks: Sequence[tuple[float, str]]

    @classmethod
    def of_numbers(cls, title: str, low: float, high: float, most: int = 7) -> "Axis":
        """A scale that holds both, with round ticks, of which there are at most `most` or two more."""
        step = _round_step(high - low, most)
        first, last = int(low // step), int(-(-high // step))
        ticks = [(number * step, minus(f"{number * step:.{_digits(step)}f}")) for number in range(first, last + 1)]
        return cls(title, first * step, max(last, first + 1) * step, ticks)

    @classmethod
    def of_names(cls, title: str, names: Sequence[str]) -> "Axis":
        """A place for each name, at 0, 1, 2 …"""
        return cls(title, -0.5, len(names) - 0.5, list(enumerate(names)))

    def share(self, value: float) -> float:
        """Where on the scale a value is, from 0 to 1."""
        return (min(max(value, self.low), self.high) - self.low) / (self.high - self.low)


@dataclass(slots=True)
class Plot:
    """Points over two axes; what is drawn later lies above."""

    described: str
    x: Axis
    y: Axis
    drawn: list[str] = field(default_factory=list)

    def curve(self, points: Sequence[Point], kind: str) -> None:
        """Points joined."""
        if len(points) > 1:
            joined = " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
            self.drawn.append(f'<polyline class="{kind}" points="{joined}"/>')

    def band(self, low: float, high: float, kind: str) -> None:
        """All between two values of y."""
        top, height = self._y(high), self._y(low) - self._y(high)
        self.drawn.append(
            f'<rect class="{kind}" x="{_LEFT}" y="{top:.1f}" width="{WIDTH - _LEFT - _RIGHT}" height="{height:.1f}"/>'
        )

    def dots(self, points: Sequence[Point], kind: str, said: Sequence[str], radius: float = 4.5) -> None:
        """Points, each with what a pointer that rests on it is told."""
        self.drawn += [
            f'<circle class="{kind}" cx="{self._x(x):.1f}" cy="{self._y(y):.1f}" r="{radius}">'
            f"<title>{escape(text)}</title></circle>"
            for (x, y), text in zip(points, said, strict=True)
        ]

    def svg(self) -> str:
        """The whole as an element."""
        bottom, right = HEIGHT - _BOTTOM, WIDTH - _RIGHT
        grid = [_stroke(_LEFT, self._y(at), right, self._y(at), "grid") for at, _ in self.y.ticks]
        names = [_text(_LEFT - 7, self._y(at) + 4, name, "end") for at, name in self.y.ticks]
        names += [_text(self._x(at), bottom + 17, name, "middle") for at, name in self.x.ticks]
        titles = [
            _text((_LEFT + right) / 2, HEIGHT - 8, self.x.title, "middle", "title"),
            f'<text class="title" text-anchor="middle" transform="translate(13 {(_TOP + bottom) / 2:.0f}) rotate(-90)">'
            f"{escape(self.y.title)}</text>",
        ]
        axis = _stroke(_LEFT, bottom, right, bottom, "axis")
        return _element(self.described, HEIGHT, [*grid, axis, *names, *titles, *self.drawn])

    def _x(self, value: float) -> float:
        return _LEFT + self.x.share(value) * (WIDTH - _LEFT - _RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - _BOTTOM - self.y.share(value) * (HEIGHT - _BOTTOM - _TOP)


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of `dot_plot`: a figure, its interval, and how it is written."""

    name: str
    value: float
    low: float
    high: float
    shown: str


def dot_plot(described: str, title: str, bars: Sequence[Bar]) -> str:
    """Figures one under the other, each with its name, its interval and a line at 0."""
    names, right, row = 146, 62, 26
    height = 2 * 12 + row * len(bars) + _BOTTOM
    least, most = min(0.0, *(bar.low for bar in bars)), max(0.0, *(bar.high for bar in bars))
    axis = Axis.of_numbers(title, least, most, 3)
    bottom = height - _BOTTOM

    def at(value: float) -> float:
        return names + axis.share(value) * (WIDTH - names - right)

    drawn = [_stroke(at(tick), 8, at(tick), bottom, "grid") for tick, _ in axis.ticks]
    drawn += [_text(at(tick), bottom + 17, name, "middle") for tick, name in axis.ticks]
    drawn += [
        _stroke(at(0), 8, at(0), bottom, "zero"),
        _text((names + WIDTH - right) / 2, height - 8, title, "middle", "title"),
    ]
    for number, bar in enumerate(bars):
        y = 24 + row * number
        drawn.append(_text(names - 10, y + 4, _short(bar.name), "end", "name", bar.name))
        drawn.append(_stroke(at(bar.low), y, at(bar.high), y, "range"))
        drawn.append(f'<circle class="dot" cx="{at(bar.value):.1f}" cy="{y}" r="4.5"/>')
        drawn.append(_text(WIDTH - right + 10, y + 4, bar.shown, "start"))
    return _element(described, height, drawn)


def minus(number: str) -> str:
    """With the sign that is as wide as a plus, not a hyphen."""
    return number.replace("-", "−")


def _element(described: str, height: float, drawn: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {height:.0f}" role="img" aria-label="{escape(described)}">{"".join(drawn)}</svg>'


def _stroke(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def _text(x: float, y: float, text: str, anchor: str, kind: str = "tick", whole: str = "") -> str:
    said = f"<title>{escape(whole)}</title>" if whole else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{said}{escape(text)}</text>'


def _short(name: str, most: int = 21) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _round_step(span: float, most: int) -> float:
    """The least one, two or five times a power of ten of which `most` make up the span."""
    powers = (10.0**exponent for exponent in range(-6, 6))
    return next(step * power for power in powers for step in (1, 2, 5) if span <= most * step * power)


def _digits(step: float) -> int:
    return next(digits for digits in range(7) if abs(round(step, digits) - step) < 1e-9 or digits == 6)
