"""Scores as JSON: of skills for which a source that learnt from labels is present."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from schemas.update import LEVELS
from streams.evidence.artifacts import Artifact
from streams.evidence.registry import Types
from streams.scoring.contributions import Contributions
from streams.scoring.fusion import Fused, ScoredBatch
from streams.scoring.json_columns import Column, SkillIndices, joined_columns, json_string, numbers
from streams.scoring.kinds import skills_with_interval
from streams.scoring.validated import is_out_of_range, is_validated
from streams.skills.skill_set import SkillSet

LEVEL_TEXTS: Final = [level.encode() for level in LEVELS]
_BOOLEANS: Final = (b"false", b"true")


class ScoreTexts:
    """Writes the fused scores of one skill set and artifact."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact, types: Types) -> None:
        self._contributions = Contributions(types, (each.name for each in types))
        self._trained = {each.name for each in types if each.trained}
        self._levels = skill_set.levels
        kinds = {name: b"mastery" if name in artifact.banks else b"score" for name in skill_set.names}
        self._names = [json_string(name) + b':{"kind":"%b","score":' % kind for name, kind in kinds.items()]
        self._has_interval = skills_with_interval(skill_set, artifact)

    def write(self, scored: ScoredBatch, at: SkillIndices, evidence: Iterable[bytes]) -> Iterator[bytes]:
        """The scores at those indices, each with its `evidence`."""
        fused = scored.fused
        score, confidence = fused.score[at], fused.confidence[at]
        out_of_range = is_out_of_range(scored.estimates, fused, self._trained, at)
        validated = is_validated(fused, self._trained, at) & ~out_of_range
        level = np.where(out_of_range, 0, self._levels.classify(score, confidence))
        return joined_columns(
            map(self._names.__getitem__, at[1].tolist()), numbers(score),
            self._intervals(fused, at),
            b',"confidence":', numbers(confidence),
            b',"level":"', map(LEVEL_TEXTS.__getitem__, level.tolist()),
            b'","validated":', map(_BOOLEANS.__getitem__, validated.tolist()),
            map((b"", b',"out_of_range":true').__getitem__, out_of_range.tolist()),
            self._contributions.write(scored, at),
            evidence,
            b"}",
        )  # fmt: skip

    def _intervals(self, fused: Fused, at: SkillIndices) -> Column:
        """The ends of the intervals of the skills for which a table of them was fitted."""
        fitted = self._has_interval[at[1]]
        if not fitted.any():
            return b""
        ends = at[0][fitted], at[1][fitted]
        pieces = joined_columns(b',"low":', numbers(fused.low[ends]), b',"high":', numbers(fused.high[ends]))
        return [next(pieces) if one else b"" for one in fitted.tolist()]
