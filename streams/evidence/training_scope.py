"""Whether a student is like those that a skill's model was trained on: only of such does it say anything tested.

Two things are asked. Is what the student did of the kinds that training saw? If most of it is not, the model and the
indicators that were fitted beside it are absent: they would speak of the rest alone. Is every feature within the range
that it had in training? If not, the estimate is `out_of_range`: it is given, and nothing validates it.
"""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact
from streams.evidence.features import facts_read
from streams.evidence.trained_on import FeatureRange, TrainedOn
from streams.rows.row_batch import Floats, RowBatch
from streams.skills.skill_set import Indicator, Outcome, Skill, SkillSet
from streams.vocabulary import INDEX, Fact

TOLERANCE: Final = 0.1
"""Of a feature's range, on either side: the most extreme of some thousand students is chance, and of what lies beyond
the outermost split trees say what they say of that. A student twice as far is like nobody in training."""
_SILENT: Final = ("context", "language")
"""Standings of facts that say nothing of a skill."""
_UNKNOWN: Final = FeatureRange(-np.inf, np.inf, missing=True)


class TrainingScope:
    """A skill and what its model was trained on, prepared to compare rows with."""

    def __init__(self, skill: Skill, features: Sequence[str], trained_on: TrainedOn) -> None:
        speaking = {fact for fact in facts_of_skill(skill) | facts_read(features) if fact.standing not in _SILENT}
        seen = {fact for fact in speaking if fact.key in trained_on.facts}
        self._seen, self._unseen = EventCount(seen), EventCount(speaking - seen)
        ranges = [trained_on.ranges.get(name, _UNKNOWN) for name in features]
        low, high = np.array([(each.low, each.high) for each in ranges]).reshape(-1, 2).T
        slack = TOLERANCE * (high - low)
        self._low, self._high = low - slack, high + slack
        self._never_missing = np.array([not each.missing for each in ranges], np.bool_)

    def excludes(self, row_batch: RowBatch) -> NDArray[np.bool_]:
        """Of each row, whether most of the decayed number of events that speak of the skill are of facts that training
        never saw; shape (rows,).
        """
        unseen = self._unseen.recent(row_batch)
        return unseen > self._seen.recent(row_batch) if unseen.any() else np.zeros(len(row_batch), np.bool_)

    def is_beyond(self, matrix: Floats) -> NDArray[np.bool_]:
        """Of each row of features, shape (rows, features), whether any is outside of its range in training, or NaN
        where it never was.
        """
        outside = (matrix < self._low) | (matrix > self._high) | (np.isnan(matrix) & self._never_missing)
        return np.asarray(outside.any(axis=1))


def training_scopes(skill_set: SkillSet, artifact: Artifact) -> dict[str, TrainingScope]:
    """By name, of the skills whose card says what was trained on: those of former trainers do not."""
    cards = artifact.card.skills
    return {
        name: TrainingScope(skill, cards[name].features, trained_on)
        for name, skill in skill_set.skills.items()
        if name in cards and (trained_on := cards[name].trained_on) is not None
    }


def facts_of_skill(skill: Skill) -> set[Fact]:
    """The facts that speak of a skill by its skills file: those of its indicators, its outcome, its evidence items."""
    rates: list[Indicator | Outcome] = [*skill.indicators]
    if isinstance(skill.outcome, Outcome):
        rates.append(skill.outcome)
    terms = {term.partition(".")[0] for rate in rates for term in rate.numerator + rate.denominator}
    return {INDEX[fact] for fact in terms.union(skill.evidence_weights)}


class EventCount:
    """At least how many events state any of some facts.

    An event states several facts, so those that stand for one event are added up; a detail may be all that it states.
    """

    def __init__(self, facts: Iterable[Fact]) -> None:
        leading_first = sorted(facts, key=lambda fact: (fact.standing != "event", fact))
        self._leading = sum(fact.standing == "event" for fact in leading_first)
        self._facts = np.array(leading_first, np.intp)

    def recent(self, row_batch: RowBatch) -> Floats:
        """Of each row, each event counting as by the row's reference time; shape (rows,)."""
        if not len(self._facts):
            return np.zeros(len(row_batch))
        recent = row_batch.facts["recent_n"].T[self._facts]
        most = np.maximum.reduce(recent)
        if not self._leading:
            return np.asarray(most)
        # Added one after the other: numpy adds many of one row, but not of several, in pairs.
        leading = np.add.accumulate(recent[: self._leading])[-1]
        return np.asarray(np.maximum(leading, most))
