"""Contributions as JSON: what each source said of a skill, and what it added."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.source import Estimate, EstimateStatus
from streams.scoring.json_columns import SkillIndices, joined_columns, numbers

_SPEAKS: Final = {EstimateStatus.OK.value: b"ok", EstimateStatus.STALE.value: b"stale"}
_SILENT: Final = {
    EstimateStatus.ABSENT.value: b'{"status":"absent"}',
    EstimateStatus.FAILED.value: b'{"status":"failed"}',
}


def contributions(estimate: Estimate, log_odds: NDArray[np.float64], at: SkillIndices) -> list[bytes]:
    """One source's part at each place."""
    status = estimate.status[at]
    spoke = np.isin(status, list(_SPEAKS))
    said = at[0][spoke], at[1][spoke]
    pieces = joined_columns(
        b'{"status":"', map(_SPEAKS.__getitem__, status[spoke].tolist()),
        b'","p":', numbers(estimate.p[said]),
        b',"n":', numbers(estimate.n[said]),
        b',"age_s":', numbers(estimate.age_s[said]),
        b',"log_odds":', numbers(log_odds[said]),
        b"}",
    )  # fmt: skip
    return [_SILENT.get(one) or next(pieces) for one in status.tolist()]
