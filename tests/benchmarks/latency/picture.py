"""The latency curves as latency.svg: p50 and p99 over the rate, both axes logarithmic, a row for each data set.

It stands alone, with colours for light and for dark. Who falls behind rises to the top edge, to an open circle.
"""

from collections.abc import Iterator, Sequence
from html import escape
from math import log10
from pathlib import Path
from typing import Final

from agents.report.svg import HEIGHT, WIDTH, Axis, Plot
from tests.benchmarks.datasets import DATA_SETS
from tests.benchmarks.latency.field import FIELD
from tests.benchmarks.latency.points import QUANTILES, Point

_GAP: Final = 16
_HEAD: Final = 30
_LEGEND: Final = 52
_WHOLE: Final = 2 * WIDTH + 3 * _GAP
_SHOWN: Final = (50, 99)
_COLUMNS: Final = 3
_RATES: Final = (10, 100, 1_000, 10_000)
_LEAST_RATE: Final = 7
_MOST_RATE: Final = 60_000
_MS: Final = {1: "1 ms", 10: "10 ms", 100: "100 ms", 1_000: "1 s", 10_000: "10 s"}
_STYLE: Final = """
.page { fill: #ffffff } text { fill: #1f2328; font: 12px system-ui, sans-serif } .title { font-weight: 600 }
.tick { fill: #57606a } .grid { stroke: #d8dee4 } .axis { stroke: #8c959f }
polyline { fill: none; stroke-width: 1.75 } .ours { stroke-width: 3 } .behind { stroke-dasharray: 4 4 }
circle.behind { fill: #ffffff; stroke-width: 1.75; stroke-dasharray: none }
"""
_DARK: Final = """
.page { fill: #0d1117 } text { fill: #e6edf3 } .tick { fill: #9198a1 } .grid { stroke: #2a313c }
.axis { stroke: #656c76 } circle.behind { fill: #0d1117 }
"""
# Okabe and Ito's colours, which the colour-blind tell apart; the yellow and the black are others' in light and dark.
_COLOURS: Final = (
    ("#0072b2", "#56b4e9"),
    ("#6e7781", "#9aa4af"),
    ("#d55e00", "#ff8a3d"),
    ("#009e73", "#2fd0a0"),
    ("#7a5195", "#c9a0e0"),
    ("#b8860b", "#f0c649"),
)


def write(points: Sequence[Point], folder: Path) -> None:
    """Draw all points; where there are none, say so."""
    (folder / "latency.svg").write_text(svg(points) + "\n", encoding="utf-8")


def svg(points: Sequence[Point]) -> str:
    """The whole picture."""
    sets = [data for data in DATA_SETS.values() if any(point.data == data.name for point in points)]
    height = _HEAD + len(sets) * (_HEAD + HEIGHT) + _LEGEND
    parts = [f'<rect class="page" width="{_WHOLE}" height="{height}" rx="8"/>']
    heading = "Latency from the moment at which an event is due, by events a second; ○ falls behind"
    parts.append(_text(_GAP, 26, heading if sets else "Latency: not measured yet", "title"))
    for row, data in enumerate(sets):
        top = _HEAD + row * (_HEAD + HEIGHT)
        own = [point for point in points if point.data == data.name]
        for column, percent in enumerate(_SHOWN):
            left = _GAP + column * (WIDTH + _GAP)
            parts.append(_text(left + 54, top + 24, f"p{percent}: {data.about}", "title"))
            parts.append(_placed(_plot(own, percent).svg(), left, top + _HEAD))
    parts += _legend(height - _LEGEND + 14) if sets else []
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WHOLE} {height}" role="img" '
        f'aria-label="{heading}"><style>{_style()}</style>{"".join(parts)}</svg>'
    )


def _plot(points: Sequence[Point], percent: int) -> Plot:
    rates = [(log10(rate), f"{rate:,}") for rate in _RATES]
    times = [(log10(ms), shown) for ms, shown in _MS.items()]
    top = times[-1][0]
    x = Axis("events/s", log10(_LEAST_RATE), log10(_MOST_RATE), rates)
    plot = Plot(f"p{percent} by rate", x, Axis("", 0, top, times))
    for number, (name, entrant) in reversed(list(enumerate(FIELD.items()))):
        own = sorted((point for point in points if point.contestant == name), key=lambda point: point.rate)
        place = QUANTILES.index(percent)
        well = [(point, point.quantiles_ms[place]) for point in own if point.quantiles_ms is not None]
        kind = f"k{number}{' ours' if number == 0 else ''}"
        at = [(log10(point.rate), log10(ms)) for point, ms in well]
        plot.curve(at, kind)
        hints = [f"{entrant.shown}, {point.rate:,} events/s: p{percent} {ms:,.1f} ms" for point, ms in well]
        plot.dots(at, f"dot k{number}", hints, 3.5)
        behind = next((point for point in own if point.quantiles_ms is None), None)
        if behind is not None:
            end = (log10(behind.rate), top - 0.06 * number)
            plot.curve([*at[-1:], end], f"{kind} behind")
            plot.dots([end], f"behind k{number}", [f"{entrant.shown} falls behind at {behind.rate:,} events/s"], 3.5)
    return plot


def _legend(top: float) -> Iterator[str]:
    for number, entrant in enumerate(FIELD.values()):
        x, y = 70 + number % _COLUMNS * 280, top + number // _COLUMNS * 20
        kind = f"k{number}{' ours' if number == 0 else ''}"
        yield f'<polyline class="{kind}" points="{x},{y} {x + 26},{y}"/>'
        yield _text(x + 34, y + 4, entrant.shown)


def _style() -> str:
    light, dark = ("".join(_colour(number, pair[mode]) for number, pair in enumerate(_COLOURS)) for mode in (0, 1))
    return f"{_STYLE}{light}@media (prefers-color-scheme: dark) {{{_DARK}{dark}}}"


def _colour(number: int, colour: str) -> str:
    return f".k{number} {{ stroke: {colour} }} circle.dot.k{number} {{ fill: {colour}; stroke: none }}\n"


def _placed(plot: str, left: float, top: float) -> str:
    return plot.replace("<svg ", f'<svg x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" ', 1)


def _text(x: float, y: float, text: str, kind: str = "") -> str:
    return f'<text class="{kind}" x="{x}" y="{y}">{escape(text)}</text>'
