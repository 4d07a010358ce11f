"""The check that counts: students never trained on, as a worker would have scored them at their labels' `as_of`."""

import numpy as np

from streams.evaluation.figures import card_figures
from streams.evaluation.predictions import Predictions
from streams.training.labelled import LABEL_NUMBER


def holdout_figures(fused: Predictions, model: Predictions) -> dict[str, float]:
    """Figures of the fused score, and of the same rows if the model alone had been there; over all labels of a skill
    and by a student's n-th label. `unscored_holdout` is of how many nothing was known yet.
    """
    found = _compare(fused, model, "_holdout")
    numbers = fused.subgroups.get(LABEL_NUMBER, np.array([], np.str_))
    for number in np.unique(numbers):
        at = numbers == number
        found |= _compare(fused.at(at), model.at(at), f"_holdout_of_label_{number}")
    return found | {"unscored_holdout": float(np.isnan(fused.confidence).sum())}


def _compare(fused: Predictions, model: Predictions, suffix: str) -> dict[str, float]:
    return card_figures(fused, prefix="fused_", suffix=suffix) | card_figures(model, prefix="model_", suffix=suffix)
