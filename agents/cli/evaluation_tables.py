"""An evaluation as tables that fit into 80 columns."""

from collections.abc import Iterator, Mapping
from typing import Final

from rich.table import Table
from rich.text import Text

from agents.display.plain import plain
from streams.evaluation.breakdown import NamedFigures
from streams.evaluation.evaluation import Evaluation
from streams.evaluation.figures import is_number_of_things

_BINARY: Final = ("n", "auc", "log_loss", "brier", "ece", "slope")
_CONTINUOUS: Final = ("n", "brier", "ece", "coverage", "width", "interval_score")
_GAPS: Final = ("n", "observed", "gap", "gap_low", "gap_high")


def tables(evaluations: Mapping[str, Evaluation]) -> Iterator[Table | Text]:
    """What to print, in order."""
    for skill, evaluation in evaluations.items():
        yield Text(plain(skill), style="bold")
        yield _overall(evaluation)
        for title, (rows, columns) in _broken_down(evaluation).items():
            if rows:
                yield Text()
                yield _table(title, rows, columns)
        yield Text()
        for note in evaluation.notes:
            yield Text(f"note: {plain(note)}")


def _broken_down(evaluation: Evaluation) -> dict[str, tuple[Mapping[str, NamedFigures], tuple[str, ...]]]:
    """By title: rows and columns."""
    columns = _BINARY if evaluation.binary else _CONTINUOUS
    grouped = (*_GAPS, *(("auc", "ece") if evaluation.binary else ("coverage", "width")))
    compared = (*(name for name in columns if name != ("slope" if evaluation.binary else "ece")), "gain")
    return {
        "by present sources": (evaluation.by_mask, columns),
        "sources alone, left out": (evaluation.sources, compared),
        "baselines": (evaluation.baselines, compared),
        "after so many events": (_spaced(evaluation.earlier), columns),
        "by events known": (evaluation.by_evidence, columns),
        "by confidence": (_deciles(evaluation), ("n", "confidence", "error", "width", "ece")),
        **{f"by {column}": (values, grouped) for column, values in evaluation.subgroups.items()},
    }


def _overall(evaluation: Evaluation) -> Table:
    table = Table("", "", "95 % of draws", box=None, pad_edge=False)
    for name, figure in evaluation.figures.items():
        low, high = evaluation.intervals.get(name, (None, None))
        table.add_row(name, _shown(name, figure), f"{low:.3f} to {high:.3f}" if low is not None else "")
    if evaluation.error_over_confidence is not None:
        table.add_row("error over confidence (Spearman)", f"{evaluation.error_over_confidence:.2f}", "")
    return table


def _spaced(rows: Mapping[str, NamedFigures]) -> dict[str, NamedFigures]:
    return {name.replace("_", " "): each for name, each in rows.items()}


def _deciles(evaluation: Evaluation) -> dict[str, NamedFigures]:
    return {f"{number}": each for number, each in enumerate(evaluation.by_confidence, start=1)}


def _table(title: str, rows: Mapping[str, NamedFigures], columns: tuple[str, ...]) -> Table:
    """A row a name, of those columns that any row has."""
    shown = [name for name in columns if any(name in figures for figures in rows.values())]
    table = Table(box=None, pad_edge=False)
    table.add_column(plain(title), overflow="fold", max_width=24 if len(shown) < len(_GAPS) + 2 else 20)
    for name in shown:
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    for name_of_row, figures in rows.items():
        table.add_row(plain(name_of_row), *(_shown(name, figures.get(name)) for name in shown))
    return table


def _shown(name: str, figure: float | None) -> str:
    if figure is None:
        return "-"
    return f"{figure:,.0f}" if is_number_of_things(name) else f"{figure:.3f}"
