"""The report: a table for the terminal, docs/benchmarks.json, and docs/benchmarks.md made from it.

What was measured anew replaces what stood under the same names; each figure carries its own date and versions.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Final

import msgspec
from rich.table import Table

from tests.benchmarks.contestants import CONTESTANTS
from tests.benchmarks.datasets import DATA_SETS
from tests.benchmarks.latency.points import Point
from tests.benchmarks.latency.points import kept as kept_points
from tests.benchmarks.measure import Figure
from tests.benchmarks.notes import EVENTS, NOTES, TIMED
from tests.benchmarks.readme import write as write_readme

_HEADS: Final = ("what", "median", "spread", "unit", "against", "ratio", "target", "met")
_CONTESTANT: Final = "contestant."
_OURS: Final = "skillstream"


def table(figures: Sequence[Figure]) -> Table:
    """For the terminal."""
    shown = Table(*_HEADS)
    for figure in figures:
        shown.add_row(figure.name.removeprefix(_CONTESTANT), *_cells(figure))
    return shown


def write(figures: Sequence[Figure], folder: Path, readme: Path | None = None) -> None:
    """Merge `figures` into benchmarks.json in `folder`, and make benchmarks.md from all of them, and the words of the
    README, if it is given.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "benchmarks.json"
    kept = msgspec.json.decode(path.read_bytes(), type=list[Figure]) if path.exists() else []
    anew = {figure.name for figure in figures}
    merged = sorted([*(figure for figure in kept if figure.name not in anew), *figures], key=_place)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(merged), indent=2) + b"\n")
    points = kept_points(folder)
    (folder / "benchmarks.md").write_text("\n".join(_page(merged, points)) + "\n", encoding="utf-8")
    if readme is not None:
        write_readme(merged, points, readme)


def _page(figures: Sequence[Figure], points: Sequence[Point]) -> Iterator[str]:
    targets = [figure for figure in figures if figure.target]
    runners = [figure for figure in figures if figure.name.startswith(_CONTESTANT)]
    others = [figure for figure in figures if not figure.target and figure not in runners]
    yield from ("# Benchmarks", "")
    yield "Made by `make bench` (`make bench ONLY=name` for one): every figure was measured, none written by hand."
    yield "The same figures are in [benchmarks.json](benchmarks.json)."
    yield from ("", "## On what", "")
    yield from _provenance(figures)
    yield from ("", "## Targets", "", *_markdown(targets))
    yield from ("", "## Latency by rate", "", *_latencies(points))
    yield from ("", "## All contestants", "", *_contestants(runners))
    yield from ("", "## Other figures", "", *_markdown(others))
    yield from ("", "## What is timed", "", TIMED, "", EVENTS, "")
    yield from (f"- `{data.name}`: {data.about}" for data in DATA_SETS.values())
    yield from ("", "## What is the same, and where work differs", "")
    yield from (f"- **{name}**: {' '.join(note.split())}" for name, note in NOTES.items())


def _provenance(figures: Sequence[Figure]) -> Iterator[str]:
    """When, where and of which commit: a line for each run that figures are left of; then what else they ran with."""
    yield "| measured | rounds | commit | machine | with | figures |"
    yield f"|{' --- |' * 6}"
    libraries: dict[str, str] = {}
    for _, of_run in groupby(sorted(figures, key=lambda figure: figure.measured), lambda figure: figure.measured):
        found = list(of_run)
        first = found[0]
        names = dict.fromkeys(figure.name.removeprefix(_CONTESTANT).split(".")[0] for figure in found)
        ours, others = _ours_and_others(first.versions)
        key = libraries.setdefault(others, chr(ord("A") + len(libraries)))
        rounds = max(figure.rounds for figure in found)
        yield f"| {first.measured} | {rounds} | {ours} | {first.machine} | {key} | {', '.join(names)} |"
    yield ""
    yield from (f"- {key}: {others}" for others, key in libraries.items())


def _ours_and_others(versions: Mapping[str, str]) -> tuple[str, str]:
    others = {name: version for name, version in versions.items() if name != _OURS}
    commit = versions.get(_OURS, "").partition("(commit ")[2].removesuffix(")")
    return commit, "; ".join(f"{name} {version}" for name, version in others.items())


def _markdown(figures: Sequence[Figure]) -> Iterator[str]:
    yield f"| {' | '.join(_HEADS)} |"
    yield f"|{' --- |' * len(_HEADS)}"
    for figure in figures:
        yield f"| {figure.name} | {' | '.join(_cells(figure))} |"


def _contestants(figures: Sequence[Figure]) -> Iterator[str]:
    heads = (
        "contestant",
        "events/s",
        "spread",
        "CPU, µs an event",
        "broker, cores",
        "data",
        "outputs: one for",
        "does",
    )
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * len(heads)}"
    for figure in figures:
        name = figure.name.removeprefix(_CONTESTANT)
        who = CONTESTANTS.get(name)
        if who is not None:
            limit = f"; the first {who.limit:,} events" if who.limit else ""
            cpu, broker = _number(figure.cpu_us or 0), f"{figure.broker_cores or 0:.2f}"
            measured = f"{_number(figure.value)} | {_spread(figure)} | {cpu} | {broker}"
            yield f"| {name} | {measured} | {who.data.name} | {who.outputs} | {who.does}{limit} |"


def _latencies(points: Sequence[Point]) -> Iterator[str]:
    if not points:
        yield "Not measured yet: `make bench ONLY=latency_curve,latency_curve_many`."
        return
    yield "![latency by rate](latency.svg)"
    heads = (
        "data",
        "contestant",
        "events/s",
        "p50, ms",
        "p95, ms",
        "p99, ms",
        "CPU, % of a core",
        "events a step",
        "outputs an event",
        "measured",
    )
    yield from ("", f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}")
    for point in points:
        told = [_number(each) for each in point.quantiles_ms or ()] or ["falls behind", "", ""]
        told += ["" if each is None else _number(each) for each in (point.cpu_percent, point.batch)]
        told.append("" if point.outputs_per_event is None else f"{point.outputs_per_event:.2f}")
        rounds = f"{point.measured}, {point.rounds} round{'s' if point.rounds > 1 else ''}"
        yield f"| {point.data} | {point.contestant} | {point.rate:,} | {' | '.join(told)} | {rounds} |"


def _cells(figure: Figure) -> list[str]:
    ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
    if figure.ratio_spread is not None and figure.rounds > 1:
        ratio += f" ({figure.ratio_spread[0]:.2f} – {figure.ratio_spread[1]:.2f})"
    met = {True: "yes", False: "no", None: ""}[figure.met]
    return [_number(figure.value), _spread(figure), figure.unit, figure.against, ratio, figure.target, met]


def _spread(figure: Figure) -> str:
    return f"{_number(figure.spread[0])} – {_number(figure.spread[1])}" if figure.rounds > 1 else "one round"


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:,.1f}"


def _place(figure: Figure) -> tuple[int, int, str]:
    """In the order of the notes and of the contestants."""
    kind = figure.name.split(".")[0]
    if figure.name.startswith(_CONTESTANT):
        names = list(CONTESTANTS)
        name = figure.name.removeprefix(_CONTESTANT)
        return 1, names.index(name) if name in names else len(names), ""
    places = [number for number, name in enumerate(NOTES) if kind == name or kind.startswith(f"{name}_")]
    return 0, places[0] if places else len(NOTES), ""
