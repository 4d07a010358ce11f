"""What was seen of indicators over all of a student's history, and which of them were observed."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact
from streams.evidence.indicators import Indicators, Rates
from streams.evidence.platforms import Platforms
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillSet


@dataclass(frozen=True, slots=True)
class Observed:
    """Lifetime sums of the indicators, and which were observed; shape (indicators, rows)."""

    lifetime: Rates
    observed: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class ObservableIndicators:
    """Of one skill set: `can_occur` has those that the platforms of its stream tell."""

    indicators: Indicators
    can_occur: NDArray[np.bool_]

    @classmethod
    def of(cls, skill_set: SkillSet, artifact: Artifact) -> Self:
        """See Platforms."""
        indicators, platforms = Indicators.of(skill_set), Platforms.of(skill_set, artifact)
        return cls(indicators, np.array([platforms.tell(each) for each in indicators.indicators], np.bool_))

    def seen(self, rows: RowBatch) -> Observed:
        """Add up what was seen of all rows. What nobody did of what no platform is known to tell was not observed."""
        lifetime = self.indicators.lifetime(rows)
        return Observed(lifetime, (lifetime.whole > 0) & (self.can_occur[:, None] | (lifetime.part > 0)))
