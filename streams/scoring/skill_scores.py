"""Scores as JSON: of skills for which a source that learnt from labels is present."""

from collections.abc import Iterator, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.update import LEVELS
from streams.evidence.artifacts import Artifact
from streams.evidence.registry import Types
from streams.rows.layout import Array
from streams.scoring.contributions import contributions
from streams.scoring.evidence_texts import RowEvidence
from streams.scoring.fusion import Fused, ScoredBatch, sets_by_bits
from streams.scoring.json_columns import Column, SkillIndices, joined_columns, json_string, numbers
from streams.scoring.kinds import fitted_sources
from streams.scoring.validated import is_out_of_range, is_validated
from streams.skills.skill_set import SkillSet

LEVEL_TEXTS: Final = [level.encode() for level in LEVELS]
_BOOLEANS: Final = (b"false", b"true")


class ScoreTexts:
    """Writes the fused scores of one skill set and artifact."""

    def __init__(self, skill_set: SkillSet, artifact: Artifact, types: Types) -> None:
        self._sources = [each.name for each in types]
        self._trained = {each.name for each in types if each.trained}
        self._levels = skill_set.levels
        fitted = fitted_sources(skill_set, types)
        self._rests_on = [
            json_string(skill.rests_on(sources, labelled=any(fitted[name][column] for name in fitted.keys() & sources)))
            for column, skill in enumerate(skill_set.skills.values())
            for sources in sets_by_bits(self._sources)
        ]
        kinds = {name: b"mastery" if name in artifact.banks else b"score" for name in skill_set.names}
        self._names = [json_string(name) + b':{"kind":"%b","score":' % kind for name, kind in kinds.items()]
        cards = [artifact.card.skills.get(name) for name in skill_set.names]
        self._has_interval = np.array([bool(card and (card.intervals or card.outcome_intervals)) for card in cards])

    def write(self, scored: ScoredBatch, evidence: RowEvidence, at: SkillIndices) -> Iterator[bytes]:
        """The scores at those indices."""
        fused = scored.fused
        score, confidence = fused.score[at], fused.confidence[at]
        carried = {name: carries[at] for name, carries in fused.carries.items()}
        out_of_range = is_out_of_range(scored.estimates, fused, self._trained, at)
        validated = is_validated(fused, self._trained, at) & ~out_of_range
        level = np.where(out_of_range, 0, self._levels.classify(score, confidence))
        added: list[Column] = []
        for name, estimate in sorted(scored.estimates.items()):
            added += [b"," if added else b"", json_string(name) + b":"]
            added.append(contributions(estimate, fused.log_odds[name], at))
        return joined_columns(
            map(self._names.__getitem__, at[1].tolist()), numbers(score),
            self._intervals(fused, at),
            b',"confidence":', numbers(confidence),
            b',"level":"', map(LEVEL_TEXTS.__getitem__, level.tolist()),
            b'","validated":', map(_BOOLEANS.__getitem__, validated.tolist()),
            map((b"", b',"out_of_range":true').__getitem__, out_of_range.tolist()),
            b',"rests_on":', map(self._rests_on.__getitem__, self._of_sources(at[1], carried).tolist()),
            b',"contributions":{', *added,
            b'},"evidence":[', evidence.write(at),
            b"]}",
        )  # fmt: skip

    def _intervals(self, fused: Fused, at: SkillIndices) -> Column:
        """The ends of the intervals of the skills for which a table of them was fitted."""
        fitted = self._has_interval[at[1]]
        if not fitted.any():
            return b""
        ends = at[0][fitted], at[1][fitted]
        pieces = joined_columns(b',"low":', numbers(fused.low[ends]), b',"high":', numbers(fused.high[ends]))
        return [next(pieces) if one else b"" for one in fitted.tolist()]

    def _of_sources(self, skill: Array, carried: Mapping[str, NDArray[np.bool_]]) -> Array:
        """Where the words for each skill and set of sources are."""
        bits: Array = sum(
            (carried[name] << bit for bit, name in enumerate(self._sources) if name in carried), np.zeros_like(skill)
        )
        return np.asarray(skill * 2 ** len(self._sources) + bits)
