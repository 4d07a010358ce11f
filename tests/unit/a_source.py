"""A fourth source, as a school would write one: how steadily a student works, asked of a service far away."""

from typing import Final

import numpy as np

from streams.evidence.artifacts import Artifact
from streams.evidence.source import Estimate, EstimateStatus, SourceType
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import SkillSet
from streams.vocabulary import INDEX

MINDS: Final[dict[str, float]] = {}
"""What the service says now, by its address; a test changes its mind."""


class Steadiness:
    """The `steadiness` source: of all skills the same. The service thinks less of varying several controls at once."""

    name = "steadiness"

    def __init__(self, skill_set: SkillSet, url: str) -> None:
        self._skills = len(skill_set.names)
        self._url = url

    async def estimate(self, row_batch: RowBatch) -> Estimate:
        """See Source. Raises KeyError while the service is away."""
        mind = MINDS[self._url]
        n = {fact: row_batch.facts["n"][:, INDEX[fact]] for fact in ("attempted", "set_controls", "varied_one")}
        some = n["set_controls"] > 0
        alone = np.where(some, n["varied_one"] / np.where(some, n["set_controls"], 1), 1.0)
        p = np.clip(np.repeat((mind * alone)[:, None], self._skills, axis=1), 0.05, 0.95)
        events = n["attempted"] + n["set_controls"]
        seen = np.repeat(events[:, None], self._skills, axis=1).astype(np.float64)
        known, zero = seen > 0, np.zeros(seen.shape)
        status = np.where(known, EstimateStatus.OK, EstimateStatus.ABSENT).astype(np.int8)
        p, nobody_else = np.where(known, p, np.nan), np.zeros(seen.shape, np.bool_)
        return Estimate(p=p, n=seen, age_s=zero, status=status, shared=zero.copy(), out_of_range=nobody_else)


def _made(skill_set: SkillSet, _artifact: Artifact) -> Steadiness:
    return Steadiness(skill_set, skill_set.settings_of("steadiness")["url"])


STEADINESS: Final = SourceType(name="steadiness", make=_made, kappas=(0.0, 8.0), remote=True)
