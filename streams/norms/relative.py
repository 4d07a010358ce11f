"""A student against the others of a cohort: how far from their mean, and above how many of them."""

from typing import Final, NamedTuple, Self

import numpy as np

from streams.norms.measures import MEASURES, UNITS, bins_of
from streams.rows.components import ComponentBatch
from streams.rows.layout import Array, Indices
from streams.rows.row_batch import Floats

_MEANINGS: Final = {
    "z": "how many standard deviations above the mean of the cohort",
    "rank": "the share of the cohort that is below",
}
NORM_COLUMNS: Final = {
    **{
        f"{name}_{kind}": f"{measure.words}: {words}"
        for name, measure in MEASURES.items()
        for kind, words in _MEANINGS.items()
    },
    "answers_z": "right answers, against the shares right of their knowledge components, in standard deviations",
    "peers": "the logarithm of the students of the cohort",
}
"""Numbers of a row against norms, and what they mean; the cohort is the narrowest that has a norm."""
_LEAST_SD: Final = np.array([measure.least_sd for measure in MEASURES.values()])
_COUNTS: Final = ~np.array([measure.is_rate for measure in MEASURES.values()])
_MEASURE: Final = np.arange(len(MEASURES))


class CohortFigures(NamedTuple):
    """Of cohorts, by measure: `mean`, `sd`, and in `below` what share of the students is below a bin, and half of those
    in it; NaN where a cohort has no norm of a measure. The last cohort is none.
    """

    mean: Floats
    sd: Floats
    below: Floats
    students: Floats

    @classmethod
    def of(cls, cohorts: Array) -> Self:
        """Of records of COHORT_TOTALS."""
        records = np.append(cohorts, np.zeros(1, cohorts.dtype))
        n = np.where(records["n"] > 0, records["n"], np.nan)
        mean = records["total"] / n
        sd = np.sqrt(np.maximum(records["squares"] / n - mean * mean, 0.0))
        bins = records["bins"].astype(np.float64)
        below = (bins.cumsum(axis=2) - bins / 2) / n[:, :, None]
        students = np.where(records["students"] > 0, records["students"], np.nan)
        return cls(mean / UNITS, np.maximum(sd / UNITS, _LEAST_SD), below, students)

    def compare(self, measures: Floats, cohort: Indices, borrowed: Array) -> Floats:
        """The columns of the measures, and `peers`, of rows with these measures in these cohorts; of a `borrowed` norm
        only rates count.
        """
        z = (measures - self.mean[cohort]) / self.sd[cohort]
        rank = self.below[cohort[:, None], _MEASURE, bins_of(measures)]
        columns = np.stack((z, rank), axis=2)
        columns[np.isnan(measures) | (borrowed[:, None] & _COUNTS)] = np.nan
        return np.column_stack((columns.reshape(len(measures), 2 * len(MEASURES)), np.log1p(self.students[cohort])))


def answers_z(components: ComponentBatch, norms: Array) -> Floats:
    """By row: right answers beyond those to be expected by the norms of their components (one a record, of no students
    where there is none), in standard deviations; NaN where there is no norm of any.
    """
    rows = len(components.counts)
    share = (norms["wins"] + 1.0) / (norms["answers"] + 2.0)
    wins = np.where(norms["students"] > 0, components.records["wins"], 0)
    answers = np.where(norms["students"] > 0, wins + components.records["fails"], 0)
    beyond = np.bincount(components.owner, wins - answers * share, rows)
    variance = np.bincount(components.owner, answers * share * (1 - share), rows)
    z: Floats = np.divide(beyond, np.sqrt(variance), out=np.full(rows, np.nan), where=variance > 0)
    return z
