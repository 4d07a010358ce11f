"""The figures of a card: of estimates and scores of those who were held back when they were made."""

from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from streams.evaluation.figures import card_figures
from streams.evaluation.predictions import Predictions
from streams.training.behaviour_fit import FittedBehaviour
from streams.training.folds import Fold
from streams.training.labels import MAX_ORDINALS, ordinals_of
from streams.training.moments import OWN, Moment
from streams.training.source_choice import Choice


def card_metrics(
    moments: Sequence[Moment], folds: Sequence[Fold], predictions: Predictions, *, prefix: str = ""
) -> dict[str, float]:
    """Figures of `predictions`, one a moment: at the labels' own `as_of`, and there of each n-th label of a student; at
    every earlier stage, and at withdrawals.

    Where cohorts were held back, each has its own figures, and all others are their means: what to expect of one more.
    Taken together, a cohort that is overrated would hide another that is underrated.
    """
    cohorts = {fold.cohort: np.isin(np.arange(len(moments)), fold.outside) for fold in folds if fold.cohort}
    found: dict[str, float] = {}
    for suffix, at in _parts(moments):
        every = {cohort: card_figures(predictions.at(at & inside)) for cohort, inside in cohorts.items()}
        figures = _means(list(every.values())) if every else card_figures(predictions.at(at))
        found |= {f"{prefix}{name}{suffix}": figure for name, figure in figures.items()}
        if not suffix:
            for cohort, of_cohort in every.items():
                found |= {f"{prefix}{name}_of_cohort_{cohort}": figure for name, figure in of_cohort.items()}
    return found


def _means(every: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each figure over the cohorts that have it, but of n the sum."""
    names = dict.fromkeys(name for figures in every for name in figures)
    known = {name: [figures[name] for figures in every if name in figures] for name in names}
    return {name: sum(values) if name == "n" else round(fmean(values), 4) for name, values in known.items()}


def gain_metrics(behaviour: FittedBehaviour | None) -> dict[str, float]:
    """How much the log loss of behaviour alone falls by fitting its indicators; nothing where they are as by hand."""
    if behaviour is None:
        return {}
    ends = zip(("", "_low", "_high"), (behaviour.gain, *behaviour.interval), strict=True)
    return {f"gain_of_fitted_indicators{end}": _gain(value) for end, value in ends}


def choice_metrics(choices: Mapping[str, Choice]) -> dict[str, float]:
    """How much the log loss falls by each source beside the others, where the most of them are present."""
    if not choices:
        return {}
    figures: dict[str, float] = {}
    for source, (gain, (low, high)) in choices[max(choices, key=lambda mask: mask.count("+"))].gains.items():
        figures |= {f"gain_of_{source}": gain, f"gain_of_{source}_low": low, f"gain_of_{source}_high": high}
    return {name: _gain(figure) for name, figure in figures.items()}


def _gain(log_loss: float) -> float:
    """To five digits; never -0.0, since which zero a gain of nothing is depends on the processor."""
    return round(log_loss, 5) + 0.0


def _parts(moments: Sequence[Moment]) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    stages = np.array([moment.stage for moment in moments])
    own = stages == OWN
    yield "", own
    for stage in dict.fromkeys(stages.tolist()):
        if stage != OWN:
            yield f"_at_{stage}", stages == stage
    ordinals = ordinals_of([moment.label for moment in moments])
    if 1 < (last := int(ordinals.max())) <= MAX_ORDINALS:
        for ordinal in range(1, last + 1):
            yield f"_of_label_{ordinal}", own & (ordinals == ordinal)
