"""Profiles as JSON: what was seen of a skill that nothing speaks of but indicators and phrases chosen by hand."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact
from streams.evidence.behaviour import recent_rates
from streams.evidence.indicators import Rates
from streams.evidence.observed import ObservableIndicators, Observed
from streams.evidence.registry import Types
from streams.rows.row_batch import Floats
from streams.scoring.contributions import Contributions
from streams.scoring.evidence_texts import RowEvidence
from streams.scoring.fusion import ScoredBatch
from streams.scoring.json_columns import SkillIndices, grouped, joined_columns, json_string, numbers, numerals
from streams.skills.skill_set import SkillSet
from streams.skills.sources import BUILT_IN

RATE_DIGITS: Final = 3
"""Behind the point, of sums and trends."""


class ProfileTexts:
    """Writes the profiles of one skill set, of what was `seen` of it."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact, types: Types) -> None:
        observable = ObservableIndicators.of(skill_set, artifact)
        self._indicators, self.seen = observable.indicators, observable.seen
        self._skills = len(skill_set.names)
        self._of_skill = self._indicators.skill[:, None] == np.arange(self._skills)
        self._names = [json_string(name) + b':{"kind":"profile"' for name in skill_set.names]
        self._starts = [b"%b:[" % json_string(each.name) for each in self._indicators.indicators]
        self._installed = [each.name for each in types if each.name not in BUILT_IN]
        self._contributions = Contributions(types, self._installed)

    def anything(self, scored: ScoredBatch, evidence: RowEvidence, seen: Observed) -> NDArray[np.bool_]:
        """Of which skills there is anything to show; shape (rows, skills)."""
        found = np.asarray(evidence.shown.any(axis=2))
        found |= seen.observed.T @ self._of_skill
        for name in self._installed:
            if name in scored.estimates:
                found |= scored.estimates[name].n > 0
        return np.asarray(found)

    def write(
        self, scored: ScoredBatch, seen: Observed, at: SkillIndices, evidence: Iterable[bytes]
    ) -> Iterator[bytes]:
        """The profiles at those indices, each with its `evidence`."""
        return joined_columns(
            map(self._names.__getitem__, at[1].tolist()),
            self._rates(scored, seen, at),
            evidence,
            self._contributions.write(scored, at) if self._installed else b"",
            b"}",
        )

    def _rates(self, scored: ScoredBatch, seen: Observed, at: SkillIndices) -> list[bytes]:
        """The indicators that were observed, for each skill its own."""
        index_of = np.full((len(scored.rows), self._skills), -1)
        index_of[at] = np.arange(len(at[0]))
        row, index = np.nonzero(seen.observed.T & (index_of[:, self._indicators.skill] >= 0))
        at_rates = index, row
        whole = seen.lifetime.whole[at_rates]
        count: Floats = np.minimum(seen.lifetime.part[at_rates], whole)
        of_all = recent_rates(self._indicators, scored.rows, scored.estimates)
        recent = Rates(of_all.part[at_rates], of_all.whole[at_rates]).values
        trend = np.asarray(np.round(np.where(np.isnan(recent), 0.0, recent - count / whole), RATE_DIGITS), np.float64)
        texts = joined_columns(
            map(self._starts.__getitem__, index.tolist()), numerals(np.round(count, RATE_DIGITS)),
            b",", numerals(np.round(whole, RATE_DIGITS)),
            [b",%b]" % text if one else b"]" for text, one in zip(numbers(trend), trend.tolist(), strict=True)],
        )  # fmt: skip
        return grouped(texts, index_of[row, self._indicators.skill[index]], len(at[0]), b',"indicators":{%b}')
