"""What is measured of a student, to be compared with those of a cohort: shares, times and activity, of rows.

Every measure is summed in thousandths, as integers, and counted in bins, whose edges are fixed: so sums do not
depend on the order of rows, and tell how many students are below a value.
"""

from math import log1p
from typing import Final, NamedTuple

import numpy as np

from streams.rows.layout import Array
from streams.rows.row_batch import Floats
from streams.vocabulary import Fact

MEASURE_BINS: Final = 16
UNITS: Final = 1_000
"""So many to 1: what a measure is rounded to before it is summed."""
MOST_EARLY_DAYS: Final = 30.0


class RowMeasure(NamedTuple):
    """A measure of a row. `edges` are between its bins; `least_sd` is taken where students differ less.

    `is_rate`: it says as much in a course of another year, at any time of the course.
    """

    words: str
    edges: tuple[float, ...]
    least_sd: float
    is_rate: bool = True


_SHARES: Final = tuple(bin / MEASURE_BINS for bin in range(1, MEASURE_BINS))
_DAYS: Final = (-14.0, -7.0, -3.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0, 5.0, 7.0, 10.0, 14.0, 21.0)
_SECONDS: Final = (5, 10, 20, 30, 60, 90, 120, 180, 300, 480, 600, 900, 1_800, 3_600, 7_200)
_EVENTS: Final = (2, 4, 8, 16, 32, 64, 96, 128, 192, 256, 384, 512, 1_024, 2_048, 4_096)

MEASURES: Final = {
    "score": RowMeasure("the mean of scores and marks", _SHARES, 0.05),
    "handed_in": RowMeasure("work handed in, as a share of it and of due dates missed", _SHARES, 0.05),
    "mark_of_due": RowMeasure("the mean mark, a due date missed counting as 0", _SHARES, 0.05),
    "early_days": RowMeasure("days that work was handed in early, on average; late ones below 0", _DAYS, 0.25),
    "work_time": RowMeasure("the logarithm of seconds spent on a task, on average", tuple(map(log1p, _SECONDS)), 0.1),
    "events": RowMeasure("the logarithm of events of use", tuple(map(log1p, _EVENTS)), 0.1, is_rate=False),
}


def measures_of(headers: Array, facts: Array) -> Floats:
    """The measures of rows (HEADER, and FACT of shape (rows, facts)), of shape (rows, measures); NaN: not known."""
    n, total = facts["n"], facts["total"]

    def share(part: Array, *of: Fact) -> Floats:
        whole = n[:, of].sum(axis=1)
        ratio: Floats = np.divide(part, whole, out=np.full(len(facts), np.nan), where=whole > 0)
        return ratio

    early = total[:, Fact.EARLY] - total[:, Fact.LATE]
    return np.stack(
        [
            share(total[:, Fact.ATTEMPTED] + total[:, Fact.MARKED], Fact.ATTEMPTED, Fact.MARKED),
            share(n[:, Fact.SUBMITTED], Fact.SUBMITTED, Fact.MISSED),
            share(total[:, Fact.MARKED], Fact.MARKED, Fact.MISSED),
            share(early, Fact.EARLY, Fact.LATE).clip(-MOST_EARLY_DAYS, MOST_EARLY_DAYS),
            share(total[:, Fact.WORKED], Fact.WORKED),
            np.log1p(headers["events"]),
        ],
        axis=1,
    )


def bins_of(measures: Floats) -> Array:
    """The bin of each value, of the shape of `measures`; 0 for NaN."""
    bins = [
        np.searchsorted(measure.edges, column, side="right")
        for measure, column in zip(MEASURES.values(), np.nan_to_num(measures, nan=-np.inf).T, strict=True)
    ]
    return np.stack(bins, axis=1)
