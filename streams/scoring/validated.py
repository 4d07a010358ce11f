"""Whether a score is validated: whether what saw labels carries it, for this student."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray

from streams.evidence.source import Estimate
from streams.rows.layout import Array
from streams.scoring.fusion import Fused


def is_out_of_range(
    estimates: Mapping[str, Estimate], fused: Fused, trained: Collection[str], at: tuple[Array, ...]
) -> NDArray[np.bool_]:
    """Whether a `trained` source that has a part in the score says at each place that it saw nobody like this one."""
    out = np.zeros(len(at[0]), np.bool_)
    for name in estimates.keys() & trained:
        out |= fused.carries[name][at] & estimates[name].out_of_range[at]
    return out


def is_validated(fused: Fused, trained: Collection[str], at: tuple[Array, ...]) -> NDArray[np.bool_]:
    """Whether a `trained` source is present with a weight at each place, and such sources add at least half of all the
    log-odds that sources add there, be it for or against the skill: Σ_trained |w·r·logit p| ≥ ½ Σ |w·r·logit p|.

    Sources that add nothing, as one that is quite undecided, take nothing from what others carry.
    """
    carried = np.zeros(len(at[0]), np.bool_)
    by_trained, by_others = np.zeros(len(at[0])), np.zeros(len(at[0]))
    for name, log_odds in fused.log_odds.items():
        if name in trained:
            carried |= fused.carries[name][at]
            by_trained += np.abs(log_odds[at])
        else:
            by_others += np.abs(log_odds[at])
    return carried & (by_trained >= by_others)
