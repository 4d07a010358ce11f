"""What a skill is for a student: a score, or a profile. By what serves, and not by the skill's name.

a teacher has rated the skill of late            ──► score, of the ratings alone: a person outweighs clicks
else a source that learnt from labels is present ──► score (by an item bank: mastery)
else a teacher has ever rated the skill          ──► score, of the ratings alone
else something was seen of it                    ──► profile
"""

from collections.abc import Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.evidence.artifacts import Artifact
from streams.evidence.language import LanguageSource
from streams.evidence.registry import Types
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillSet

NOT_SHOWN: Final = 0
PROFILED: Final = 1
RATED: Final = 2
SCORED: Final = 3
RATINGS_THAT_OUTWEIGH: Final = 0.5
"""Ratings, faded by a half each 30 days, that stand before what was learnt from labels."""
_LEAST_RATINGS: Final = 1e-9
"""What is left of ratings that were voided is none."""


def fitted_sources(skill_set: SkillSet, types: Types) -> Mapping[str, NDArray[np.bool_]]:
    """By source, for which skills it is fitted to labels where it is present; shape (skills,). Sources without any are
    left out.
    """
    text_models = np.array([skill.text_table is not None for skill in skill_set.skills.values()])
    by_type = {each.name: np.ones(len(text_models), np.bool_) for each in types if each.trained}
    return by_type | ({LanguageSource.name: text_models} if text_models.any() else {})


def fitted_skills(skill_set: SkillSet, artifact: Artifact) -> frozenset[str]:
    """The skills that may have a score without a rating: those with a model, an item bank or a text model."""
    read = {name for name, skill in skill_set.skills.items() if skill.text_table is not None}
    return frozenset(read | (artifact.card.skills.keys() & skill_set.skills.keys()))


def skills_with_interval(skill_set: SkillSet, artifact: Artifact) -> NDArray[np.bool_]:
    """For which skills a table of intervals was fitted; shape (skills,)."""
    cards = [artifact.card.skills.get(name) for name in skill_set.names]
    return np.array([bool(card and (card.intervals or card.outcome_intervals)) for card in cards])


def shown_as(rows: RowBatch, fitted: NDArray[np.bool_], seen: NDArray[np.bool_]) -> NDArray[np.intp]:
    """How each skill of each row is shown: NOT_SHOWN, PROFILED, RATED or SCORED; all of shape (rows, skills).

    `fitted` is where a source that learnt from labels is present, `seen` where there is anything to show.
    """
    ratings = rows.skill_states["rubric_n"] * rows.decay[:, None]
    rated = ratings >= np.where(fitted, RATINGS_THAT_OUTWEIGH, _LEAST_RATINGS)
    return np.where(rated, RATED, np.where(fitted, SCORED, np.where(seen, PROFILED, NOT_SHOWN)))
