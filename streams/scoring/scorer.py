"""Scoring under one configuration, from rows to updates: estimate, fuse, write. What is made with one scorer is whole
under that configuration; another is put in its place between batches.
"""

from collections.abc import Sequence
from functools import cached_property

from schemas.catalogue import CatalogueEntry
from streams.evidence.artifacts import Artifact
from streams.evidence.collect import FailureListener, collect
from streams.evidence.registry import Types
from streams.evidence.source import Source
from streams.rows.row_batch import RowBatch
from streams.scoring.catalogue import catalogue_entry
from streams.scoring.fusion import Fusion, ScoredBatch
from streams.scoring.kinds import skills_with_interval
from streams.scoring.noted_profiles import ProfileNumbers
from streams.scoring.shown_scores import ShownScores
from streams.scoring.updates import UpdateWriter
from streams.scoring.weekly import with_week
from streams.skills.skill_set import SkillSet


class Scorer:
    """Of one skill set, as it is configured, and one artifact. It keeps nothing between two batches."""

    def __init__(
        self,
        skill_set: SkillSet,
        artifact: Artifact,
        types: Types,
        sources: Sequence[Source],
        on_failure: FailureListener,
        config_version: str,
    ) -> None:
        self.skill_set = skill_set
        self.config_version = config_version
        self._artifact, self._types = artifact, types
        self._sources = sources
        self._on_failure = on_failure
        self._fusion = Fusion(skill_set, artifact, types)
        self._profiles = ProfileNumbers(skill_set, artifact)
        self._has_interval = skills_with_interval(skill_set, artifact)
        self._writer = UpdateWriter(skill_set, artifact, types, config_version)

    @cached_property
    def catalogue_entry(self) -> CatalogueEntry:
        """What its updates do not say, since it is the same in all of them."""
        return catalogue_entry(self.skill_set, self._artifact, self._types, self.config_version)

    async def score(self, rows: RowBatch) -> ScoredBatch:
        """Estimate, then fuse: ask all sources about all `rows`, those that wait side by side within the deadline.

        The rows of what is returned have their scores, for the week of their newest event, too.
        """
        fusion = self.skill_set.fusion
        estimates = await collect(
            self._sources,
            rows,
            skills=len(self.skill_set.names),
            deadline_s=fusion.deadline_s,
            stale_after_s=fusion.stale_after_days * 86_400,
            on_failure=self._on_failure,
        )
        fused = self._profiles.noted(rows, estimates, self._fusion.fuse(estimates))
        return with_week(ScoredBatch.of(rows, estimates, fused), ShownScores.of(rows, fused, self._has_interval))

    def write(self, keys: Sequence[bytes], scored: ScoredBatch) -> list[bytes]:
        """The updates of scored rows, which are those of `keys`, in their order."""
        return self._writer.write(keys, scored)
