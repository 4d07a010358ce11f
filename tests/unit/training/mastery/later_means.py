"""How narrow an interval of a later mean can be: the table of docs/mastery.md.

    python -m tests.unit.training.mastery.later_means         seconds; needs ../shared/data

The later mean of a student is of so many answers as came, and chance is in it: of K independent answers of mean m some
m(1 − m)/K of its variance. That part no model foresees. The rest is what the best line through the share of right
answers so far leaves unexplained.
"""

import csv
import gzip
from collections import defaultdict
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.training.mastery.collection import MIN_LATER
from streams.training.mastery.outlook_evaluation import INTERVALS_AT
from tests.shared_data import SHARED

Answers = NDArray[np.float64]


class Spread(NamedTuple):
    """Of so many students: how many answers came later, half of them more; what is unforeseen of their mean, how much
    of that is chance, and the width of an interval that holds nine in ten.
    """

    students: int
    later: float
    unforeseen: float
    chance: float
    width: float


def spread(students: list[Answers], after: int) -> Spread:
    """After so many answers of each student, all of whom have at least MIN_LATER more."""
    later = np.array([len(each) - after for each in students])
    mean, share = (np.array([part.mean() for part in parts]) for parts in _split(students, after))
    line = np.polynomial.Polynomial.fit(share, mean, 1)
    off = mean - line(share)
    chance = mean * (1 - mean) / (later - 1)
    width = 2 * np.quantile(np.abs(off), 0.9)
    return Spread(len(students), float(np.median(later)), float(off.var()), float(chance.mean()), float(width))


def _split(students: list[Answers], after: int) -> tuple[list[Answers], list[Answers]]:
    return [each[after:] for each in students], [each[:after] for each in students]


def _students(name: str) -> list[Answers]:
    answers: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
    with gzip.open(SHARED / name / "attempts.csv.gz", "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            answers[row["student"]].append((int(row["n"]), float(row["correct"])))
    return [np.array([correct for _, correct in sorted(each)]) for each in answers.values()]


if __name__ == "__main__":
    for name in ("assistments2009", "assistments2015"):
        everybody = _students(name)
        most = max(INTERVALS_AT) + MIN_LATER
        for whose in ("who have as many", "who have them all"):
            for after in INTERVALS_AT:
                least = most if whose == "who have them all" else after + MIN_LATER
                print(name, whose, after, spread([each for each in everybody if len(each) >= least], after))  # noqa: T201
