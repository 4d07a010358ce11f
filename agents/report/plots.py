"""The plots of an evaluation, each with its heading and how to read it."""

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from agents.report.svg import Axis, Bar, Plot, dot_plot, minus
from streams.evaluation.breakdown import NamedFigures
from streams.evaluation.evaluation import Evaluation

_COVERED: Final = (0.88, 0.92)
_MOST_BARS: Final = 30
_WORDS: Final = {
    "width": "width of intervals",
    "ece": "calibration error",
    "ece_by_chance": "by chance alone",
    "coverage": "coverage",
}


class Figure(NamedTuple):
    """A plot as the page shows it; `keys` name the colours, if there are several."""

    heading: str
    reading: str
    svg: str
    keys: tuple[tuple[str, str], ...] = ()


def plots(evaluation: Evaluation) -> Iterator[Figure]:
    """Those for which there are figures."""
    loss = "log loss" if evaluation.binary else "squared error"
    yield _reliability(evaluation)
    if evaluation.earlier:
        yield _earlier(evaluation)
    if evaluation.by_evidence:
        yield _by_evidence(evaluation)
    yield from _intervals_after(evaluation)
    if evaluation.by_confidence:
        yield _by_confidence(evaluation)
    if evaluation.sources:
        reading = (
            f"How much lower the {loss} of the full score is, on the same students. A source earns its place where the "
            "score without it lies right of 0."
        )
        yield Figure("Sources alone, and left out", reading, _gains(evaluation.sources, loss))
    if evaluation.baselines:
        reading = (
            f"How much lower the {loss} of the score is. Right of 0 it beats the baseline, which was fitted to these "
            "very students, each predicted from the others."
        )
        yield Figure("Against baselines", reading, _gains(evaluation.baselines, loss))
    for column, values in evaluation.subgroups.items():
        yield _gap(column, values)


def _reliability(evaluation: Evaluation) -> Figure:
    plot = Plot(
        "Reliability: mean outcome over mean score, in ten bins",
        Axis.of_numbers("mean score", 0, 1),
        Axis.of_numbers("what came, on average", 0, 1),
    )
    plot.curve([(0, 0), (1, 1)], "ideal")
    points = [(predicted, observed) for _, predicted, observed in evaluation.reliability]
    plot.curve(points, "first")
    hints = [f"{n:,}: score {predicted:.3f}, came {came:.3f}" for n, predicted, came in evaluation.reliability]
    plot.dots(points, "first", hints)
    reading = (
        "Ten bins of equal size by rising score. On the dashed line a score of 0.7 comes true seven times in ten; "
        "below it scores are too high."
    )
    return Figure("Reliability", reading, plot.svg())


def _by_evidence(evaluation: Evaluation) -> Figure:
    """Each bin is named by its lower end."""
    rows = {name.split("-")[0]: each for name, each in evaluation.by_evidence.items()}
    if not any("width" in each for each in rows.values()):
        reading = "The calibration error should stay near what chance alone makes of as many predictions."
        series = ("ece_by_chance", "ece")
    else:
        wanted = "the calibration error stay low" if evaluation.binary else "cover 88 to 92 % (the band)"
        reading = f"Intervals should narrow with evidence, and {wanted} throughout."
        series = ("width", "ece" if evaluation.binary else "coverage")
    return _over_names("By amount of evidence", reading, "events known, from", rows, series)


def after_counts(figures: NamedFigures) -> dict[str, NamedFigures]:
    """Figures with names such as `coverage_at_50`, by that number and without it."""
    found: dict[str, NamedFigures] = {}
    for name, figure in figures.items():
        base, at, number = name.rpartition("_at_")
        if at and number.isdecimal():
            found.setdefault(number, {})[base] = figure
    return dict(sorted(found.items(), key=lambda item: int(item[0])))


def _intervals_after(evaluation: Evaluation) -> Iterator[Figure]:
    """Where the maker of the predictions has figures of intervals after so many events."""
    rows = {
        number: {**each, "n": each.get("students", 0.0)}
        for number, each in after_counts(evaluation.figures).items()
        if {"coverage", "width"} <= each.keys()
    }
    if rows:
        reading = "Intervals should narrow, and cover 88 to 92 % (the band) throughout."
        yield _over_names("Intervals, after so many events", reading, "events", rows, ("width", "coverage"))


def _earlier(evaluation: Evaluation) -> Figure:
    rows = {name.removesuffix("_events"): each for name, each in evaluation.earlier.items()}
    series = ("ece_by_chance", "ece") if evaluation.binary else ("width", "coverage")
    reading = (
        "The calibration error when so many events were known, of those who had as many. What chance alone would make "
        "of as many students stands beside it."
        if evaluation.binary
        else "The same outcomes predicted when so many events were known, of those who had as many."
    )
    return _over_names("After so many events", reading, "events", {**rows, "at the label": evaluation.figures}, series)


def _over_names(
    heading: str, reading: str, title: str, rows: Mapping[str, NamedFigures], series: tuple[str, str]
) -> Figure:
    """Two figures over the names of rows, one colour each, and the band that coverage should lie in."""
    names, bins, kinds = list(rows), list(rows.values()), dict(zip(series, ("first", "second"), strict=True))
    plot = Plot(
        f"{heading}: {' and '.join(_WORDS[name] for name in series)}",
        Axis.of_names(title, names),
        Axis.of_numbers("", 0, max(each.get(name, 0.01) for each in bins for name in series)),
    )
    if "coverage" in series:
        plot.band(*_COVERED, "target")
    for name, kind in kinds.items():
        known = [(at, each) for at, each in enumerate(bins) if name in each]
        points = [(float(at), each[name]) for at, each in known]
        plot.curve(points, kind)
        plot.dots(points, kind, [f"{names[at]}, {each['n']:,.0f}: {each[name]:.3f}" for at, each in known])
    return Figure(heading, reading, plot.svg(), tuple((kind, _WORDS[name]) for name, kind in kinds.items()))


def _by_confidence(evaluation: Evaluation) -> Figure:
    deciles = evaluation.by_confidence
    error = "mean squared error" if evaluation.binary else "mean error"
    plot = Plot(
        f"{error} over confidence, in {len(deciles)} groups",
        Axis.of_numbers("mean confidence", *_spread([each["confidence"] for each in deciles])),
        Axis.of_numbers(error, 0, max(each["error"] for each in deciles)),
    )
    points = [(each["confidence"], each["error"]) for each in deciles]
    plot.curve(points, "first")
    hints = [f"{each['n']:,.0f}: confidence {each['confidence']:.3f}, error {each['error']:.3f}" for each in deciles]
    plot.dots(points, "first", hints)
    found = evaluation.error_over_confidence
    said = "" if found is None else minus(f" Rank correlation: {found:.2f}; -1 is perfect.")
    return Figure("Error over confidence", f"The more confident, the smaller the error should be.{said}", plot.svg())


def _gains(rivals: Mapping[str, NamedFigures], loss: str) -> str:
    bars = [_bar(name.replace("_", " "), each, "gain") for name, each in rivals.items()]
    return dot_plot(f"Gain in {loss} over each", f"gain in {loss}", bars)


def _gap(column: str, values: Mapping[str, NamedFigures]) -> Figure:
    largest = sorted(values, key=lambda value: values[value]["n"], reverse=True)[:_MOST_BARS]
    bars = [
        _bar(f"{value or '(empty)'} ({each['n']:,.0f})", each, "gap")
        for value, each in values.items()
        if value in largest
    ]
    svg = dot_plot(f"Mean score minus mean outcome by {column}", "mean score − mean outcome", bars)
    reading = "Right of 0 a group is overrated, left of it underrated. In brackets, how many predictions."
    if len(values) > len(bars):
        reading += f" The {_MOST_BARS} largest of {len(values)}; the tables have all."
    return Figure(f"By {column.replace('_', ' ')}", reading, svg)


def _bar(title: str, figures: NamedFigures, name: str) -> Bar:
    value = figures[name]
    return Bar(title, value, figures[f"{name}_low"], figures[f"{name}_high"], minus(f"{value:+.3f}"))


def _spread(values: list[float]) -> tuple[float, float]:
    low, high = min(values), max(values)
    return (low, high) if high - low > 1e-6 else (low - 0.05, high + 0.05)
