"""Scores by teachers' ratings alone, as JSON: of skills that nothing fitted speaks of. A person outweighs clicks."""

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np

from streams.rows.row_batch import Floats, RowBatch
from streams.scoring.contributions import LOG_ODDS_DIGITS
from streams.scoring.json_columns import (
    SkillIndices,
    integers,
    joined_columns,
    json_string,
    numbers,
    numerals,
    significant,
)
from streams.scoring.skill_scores import LEVEL_TEXTS
from streams.skills.skill_set import SkillSet

RATINGS_SOURCE: Final = "rubric"
STRENGTH: Final = 1.0
"""Ratings of one half that a student's own are averaged with: as many ratings make a score half as sure as can be."""


class RubricTexts:
    """Writes scores that ratings carry: their mean, shrunken by STRENGTH towards one half."""

    def __init__(self, skill_set: SkillSet) -> None:
        self._levels = skill_set.levels
        self._names = [json_string(name) + b':{"kind":"score","score":' for name in skill_set.names]
        self._stale_after_s = skill_set.fusion.stale_after_days * 86_400

    def write(self, rows: RowBatch, at: SkillIndices, evidence: Iterable[bytes]) -> Iterator[bytes]:
        """The scores at those indices, each with its `evidence`.

        `confidence` is 1 − sqrt(STRENGTH/(STRENGTH + n)), so by how many ratings.
        """
        decay = rows.decay[at[0]]
        n, total = rows.skill_states["rubric_n"][at] * decay, rows.skill_states["rubric_total"][at] * decay
        score = _shrunken(total, n)
        confidence = 1 - np.sqrt(STRENGTH / (STRENGTH + n))
        age_s = np.maximum(rows.headers["as_of_us"][at[0]] / 1e6 - rows.skill_states["rubric_newest_s"][at], 0)
        texts = numbers(score)
        return joined_columns(
            map(self._names.__getitem__, at[1].tolist()), texts,
            b',"confidence":', numbers(confidence),
            b',"level":"', map(LEVEL_TEXTS.__getitem__, self._levels.classify(score, confidence).tolist()),
            b'","validated":false,"contributions":{"%b":{' % RATINGS_SOURCE.encode(),
            [b'"status":"stale","p":' if old else b'"p":' for old in (age_s > self._stale_after_s).tolist()], texts,
            b',"n":', numerals(significant(n)),
            b',"age_s":', integers(np.round(age_s)),
            b',"log_odds":', numbers(np.log(score / (1 - score)), LOG_ODDS_DIGITS),
            b"}}", evidence,
            b"}",
        )  # fmt: skip


def rated_scores(rows: RowBatch) -> Floats:
    """Each skill's score by ratings, shape (rows, skills); one half where there are none."""
    decay = rows.decay[:, None]
    return _shrunken(rows.skill_states["rubric_total"] * decay, rows.skill_states["rubric_n"] * decay)


def _shrunken(total: Floats, n: Floats) -> Floats:
    return np.asarray((total + STRENGTH / 2) / (n + STRENGTH))
