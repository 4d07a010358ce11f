"""The page of an evaluation: complete in itself, dark or light as its reader is, on a telephone or a wide screen."""

import os
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Final

from agents.report.plots import Figure, after_counts, plots
from agents.report.style import REPORT_STYLE
from agents.report.svg import minus
from streams.evaluation.breakdown import NamedFigures
from streams.evaluation.evaluation import Evaluation
from streams.evaluation.figures import is_number_of_things

PAGE: Final = "index.html"
_WORDS: Final = {
    "n": "predictions",
    "auc": "AUC",
    "log_loss": "log loss",
    "brier": "Brier score",
    "ece": "calibration error (ECE)",
    "ece_by_chance": "ECE by chance alone",
    "slope": "calibration slope",
    "coverage": "coverage of 90 % intervals",
    "width": "width of intervals",
    "interval_score": "interval score",
    "predicted": "mean score",
    "observed": "mean outcome",
    "unscored": "without a score",
}


def write_report(folder: Path, evaluations: Mapping[str, Evaluation], about: Sequence[str]) -> Path:
    """Write the page into `folder`, which is made where it is missing; an older page is replaced whole. Raises OSError.

    `about` is what the page says of all skills.
    """
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{PAGE}.{os.getpid()}"
    try:
        unfinished.write_text(report_page(evaluations, about), encoding="utf-8")
        unfinished.replace(folder / PAGE)
    finally:
        unfinished.unlink(missing_ok=True)
    return folder / PAGE


def report_page(evaluations: Mapping[str, Evaluation], about: Sequence[str]) -> str:
    """The page as HTML; the same for the same evaluations."""
    said = "".join(f'<p class="soft">{escape(text)}</p>' for text in about)
    skills = "".join(_skill(skill, evaluation) for skill, evaluation in evaluations.items())
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>How good are the scores? · skillstream</title>
<style>{REPORT_STYLE}</style>
</head>
<body>
<header><h1>How good are the scores?</h1>{said}</header>
<main>{skills}</main>
</body>
</html>
"""


def _skill(skill: str, evaluation: Evaluation) -> str:
    notes = "".join(f'<p class="soft">{escape(note[:1].upper() + note[1:])}.</p>' for note in evaluation.notes)
    figures = "".join(map(_figure, plots(evaluation)))
    return (
        f"<section><h2>{escape(skill.replace('_', ' '))}</h2>{_cards(evaluation)}{notes}"
        f'<div class="plots">{figures}</div>{_tables(evaluation)}</section>'
    )


def _cards(evaluation: Evaluation) -> str:
    cards = "".join(
        f"<div><dt>{escape(_words(name))}</dt>"
        f"<dd>{_number(name, value)}<small>{_range(evaluation, name)}</small></dd></div>"
        for name, value in evaluation.figures.items()
        if name in _WORDS
    )
    return f'<dl class="figures">{cards}</dl>'


def _range(evaluation: Evaluation, name: str) -> str:
    low, high = evaluation.intervals.get(name, (None, None))
    return "&nbsp;" if low is None or high is None else minus(f"{low:.3f} to {high:.3f}")


def _figure(figure: Figure) -> str:
    keys = "".join(f'<span><i class="{kind}"></i>{escape(name)}</span>' for kind, name in figure.keys)
    key = f'<div class="key">{keys}</div>' if keys else ""
    caption = f"<figcaption><h3>{escape(figure.heading)}</h3><p>{escape(figure.reading)}</p></figcaption>"
    return f"<figure>{caption}{key}{figure.svg}</figure>"


def _tables(evaluation: Evaluation) -> str:
    deciles = {f"{number}": each for number, each in enumerate(evaluation.by_confidence, start=1)}
    further = {name: each for name, each in evaluation.figures.items() if name not in _WORDS and "_at_" not in name}
    parts = {
        "further figures": {"overall": further} if further else {},
        "further figures, after so many events": after_counts(evaluation.figures),
        "by present sources": evaluation.by_mask,
        "sources alone, left out": evaluation.sources,
        "baselines": evaluation.baselines,
        "after so many events": evaluation.earlier,
        "by events known": evaluation.by_evidence,
        "by confidence": deciles,
        **{f"by {column}": values for column, values in evaluation.subgroups.items()},
    }
    tables = "".join(_table(title, rows) for title, rows in parts.items() if rows)
    return f"<details><summary>All figures as tables</summary>{tables}</details>"


def _table(title: str, rows: Mapping[str, NamedFigures]) -> str:
    columns = list(dict.fromkeys(name for figures in rows.values() for name in figures))
    header = "".join(f'<th scope="col">{escape(name.replace("_", " "))}</th>' for name in columns)
    body = "".join(
        f'<tr><th scope="row">{escape(name)}</th>'
        + "".join(f"<td>{_number(column, figures.get(column))}</td>" for column in columns)
        + "</tr>"
        for name, figures in rows.items()
    )
    return (
        f'<div class="wide"><table><caption>{escape(title)}</caption>'
        f"<thead><tr><th></th>{header}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _words(name: str) -> str:
    return _WORDS.get(name, name.replace("_", " "))


def _number(name: str, figure: float | None) -> str:
    if figure is None:
        return "–"
    return f"{figure:,.0f}" if is_number_of_things(name) else minus(f"{figure:.3f}")
