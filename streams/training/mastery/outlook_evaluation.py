"""Judging the outlook: a worker's score after 1, 2, 3 … answers, and the mean of all that came later."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from streams.evaluation.baselines import baselines
from streams.evaluation.breakdown import by_confidence, error_over_confidence
from streams.evaluation.metrics import LEVEL
from streams.evaluation.predictions import Names, Predictions
from streams.evaluation.subject import Subject
from streams.pipeline import Pipeline
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats
from streams.training.mastery.collection import MIN_LATER, MOMENTS_AFTER, Later
from streams.training.mastery.intervals import interval_figures
from streams.training.mastery.walk import Round
from streams.training.norm_timeline import NormTimeline

INTERVALS_AT: Final = (10, 50, 100)


class ScoredMoments:
    """Takes rounds: keeps the score, by a pipeline and under the norms of the time, of each student who has answered
    MOMENTS_AFTER questions.
    """

    def __init__(self, skill: str, source: str, norms: NormTimeline) -> None:
        self._skill, self._source, self._norms = skill, source, norms
        self._columns: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)

    async def take(self, each: Round, counted: Indices, later: Later, pipeline: Pipeline) -> None:
        """Of a round the answers at `counted`, which `later` has not been told of yet."""
        student = np.array(each.student, np.intp)[counted]
        answered, right = later.before(student)
        here = np.isin(answered, MOMENTS_AFTER)
        if not here.any():
            return
        for name, shown in (await self._scored(each, counted[here], pipeline)).items():
            self._columns[name].append(shown)
        counts = each.counts.all_wins + each.counts.all_fails
        for name, values in (("student", student), ("answered", answered), ("right", right)):
            self._columns[name].append(values[here])
        self._columns["evidence"].append(counts[counted[here]])

    async def _scored(self, each: Round, rows: Indices, pipeline: Pipeline) -> dict[str, Floats]:
        """What is shown of these rows."""
        shown = {name: np.full(len(rows), np.nan) for name in ("score", "low", "high", "confidence")}
        column = pipeline.skill_set.names.index(self._skill)
        for view, at in self._norms.at(each.times_us[rows]):
            pipeline.put_norms(view)
            scored = await pipeline.score(each.before.take(rows[at].tolist()))
            for name, values in shown.items():
                values[at] = getattr(scored.fused, name)[:, column]
        return shown

    def outlook(self, later: Later, people: Names) -> "Outlook | None":
        """What is known when all is over, of whom MIN_LATER or more answers came later; None without any."""
        student, answered = self._column("student").astype(np.intp), self._column("answered").astype(np.intp)
        n, mean = later.mean_after(student, answered, self._column("right"))
        known = n >= MIN_LATER
        if not known.any():
            return None
        columns = {name: self._column(name)[known] for name in ("low", "high", "confidence", "evidence")}
        predictions = Predictions.of(
            mean[known],
            self._column("score")[known],
            student=people[student[known]],
            mask=np.full(int(known.sum()), self._source),
            **columns,
        )
        return Outlook(predictions, answered[known], self._column("right")[known])

    def _column(self, name: str) -> Floats:
        return np.concatenate([*self._columns[name], np.zeros(0)])


@dataclass(frozen=True, slots=True)
class Outlook:
    """Scores and what came later; `answered` and `right` are the answers until then, an element a prediction."""

    predictions: Predictions
    answered: Indices
    right: Floats

    def figures(self) -> dict[str, float]:
        """Of the intervals, beside those of one interval that holds LEVEL of these very means, and knows nothing."""
        means = self.predictions.outcome
        ends = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
        found = {"outlook_error": float(np.abs(means - self.predictions.p).mean())}
        for suffix, at in (
            ("", np.full(len(means), True)),
            *((f"_at_{after}", self.answered == after) for after in INTERVALS_AT),
        ):
            some = self.predictions.at(at)
            found |= interval_figures(some.outcome, some.low, some.high, suffix)
            low, high = (np.full(len(some), end) for end in ends)
            found |= {
                f"constant_{name}": figure for name, figure in interval_figures(some.outcome, low, high, suffix).items()
            }
            if len(some):
                found[f"students{suffix}"] = float(len(np.unique(some.student)))
        falls = error_over_confidence(by_confidence(self.predictions))
        return found if falls is None else found | {"outlook_error_over_confidence": falls}

    def subject(self, seed: int = 0) -> Subject:
        """The outlook as a skill of its own, whose outcome is continuous."""
        answered = self.answered.astype(np.float64)
        features = np.stack([np.log1p(self.right), np.log1p(answered - self.right)], axis=1)
        return Subject(
            predictions=self.predictions,
            baselines=baselines(self.predictions, self.right, answered, features, seed),
            notes=(f"the score after so many answers, and the mean of all later ones, {MIN_LATER} at least",),
        )
