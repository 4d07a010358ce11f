"""An evaluation as tables that fit into 80 columns."""

from collections.abc import Iterator, Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from agents.display.plain import plain
from streams.evaluation.breakdown import NamedFigures
from streams.evaluation.evaluation import Evaluation

_BINARY: Final = ("n", "auc", "log_loss", "brier", "ece", "slope")
_CONTINUOUS: Final = ("n", "brier", "ece", "coverage", "width", "interval_score")
_GAPS: Final = ("n", "predicted", "observed", "gap", "gap_low", "gap_high")
_COUNTS: Final = {"n", "students", "unscored"}


def tables(evaluations: Mapping[str, Evaluation]) -> Iterator[Table | Text]:
    """What to print, in order."""
    for skill, evaluation in evaluations.items():
        columns = _BINARY if evaluation.binary else _CONTINUOUS
        yield Text(plain(skill), style="bold")
        yield _overall(evaluation)
        yield _table("by present sources", evaluation.by_mask, columns)
        yield _table("sources alone, left out", evaluation.sources, (*columns[:-1], "gain"))
        yield _table("baselines", evaluation.baselines, (*columns[:-1], "gain"))
        yield _table("by events known", evaluation.by_evidence, columns)
        yield _table("by confidence", _deciles(evaluation), ("n", "confidence", "error", "width", "ece"))
        for column, values in evaluation.subgroups.items():
            yield _table(f"by {column}", values, (*_GAPS, "ece"))
        for note in evaluation.notes:
            yield Text(f"note: {plain(note)}")
        yield Text()


def _overall(evaluation: Evaluation) -> Table:
    table = Table("", "", "95 % of draws", box=None, pad_edge=False)
    for name, figure in evaluation.figures.items():
        low, high = evaluation.intervals.get(name, (None, None))
        table.add_row(name, _shown(name, figure), f"{low:.3f} to {high:.3f}" if low is not None else "")
    if evaluation.error_over_confidence is not None:
        table.add_row("error over confidence (Spearman)", f"{evaluation.error_over_confidence:.2f}", "")
    return table


def _deciles(evaluation: Evaluation) -> dict[str, NamedFigures]:
    return {f"{number}": each for number, each in enumerate(evaluation.by_confidence, start=1)}


def _table(title: str, rows: Mapping[str, NamedFigures], columns: tuple[str, ...]) -> Table | Text:
    """A row a name; nothing where there is no row."""
    if not rows:
        return Text(end="")
    shown = [name for name in columns if any(name in figures for figures in rows.values())]
    table = Table(box=None, pad_edge=False, title="")
    table.add_column(plain(title), overflow="fold", max_width=24)
    for name in shown:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for title_of_row, figures in rows.items():
        table.add_row(plain(title_of_row), *(_shown(name, figures.get(name)) for name in shown))
    return table


def _shown(name: str, figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if name in _COUNTS else f"{figure:.3f}"
