"""Scoring under one configuration, from rows to updates: estimate, fuse, write. What is made with one scorer is whole
under that configuration and those norms; another is put in its place between batches.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property

from schemas.catalogue import CatalogueEntry
from streams.evidence.artifacts import Artifact
from streams.evidence.collect import FailureListener, collect
from streams.evidence.registry import Types
from streams.evidence.source import Source, reads_norms, under_norms
from streams.norms.view import NormView
from streams.rows.layout import NORMED_VERSION, NORMS
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
    """Of one skill set, as it is configured, one artifact, and the `norms` that it was given, if any. It keeps nothing
    between two batches.
    """

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
        self.norms: NormView | None = None
        self._artifact, self._types = artifact, types
        self.sources = sources
        self._on_failure = on_failure
        self._fusion = Fusion(skill_set, artifact, types)
        self._profiles = ProfileNumbers(skill_set, artifact)
        self._has_interval = skills_with_interval(skill_set, artifact)
        self.writer = UpdateWriter(skill_set, artifact, types, config_version)

    @cached_property
    def catalogue_entry(self) -> CatalogueEntry:
        """What its updates do not say, since it is the same in all of them."""
        return catalogue_entry(self.skill_set, self._artifact, self._types, self.config_version)

    def with_norms(self, norms: NormView | None) -> "Scorer":
        """One that scores under these norms, or without any, and else the same. Takes microseconds."""
        if norms is self.norms:
            return self
        other = copy(self)
        other.norms, other.sources = norms, [under_norms(each, norms) for each in self.sources]
        compares_cohorts = any(each.compares_cohorts for each in other.sources if reads_norms(each))
        other.writer = self.writer.with_norms(norms, compares_cohorts)
        return other

    async def score(self, rows: RowBatch) -> ScoredBatch:
        """Estimate, then fuse: ask all sources about all `rows`, those that wait side by side within the deadline.

        The rows of what is returned have their scores, for the week of their newest event, too, and name the norms.
        """
        fusion = self.skill_set.fusion
        estimates = await collect(
            self.sources,
            rows,
            skills=len(self.skill_set.names),
            deadline_s=fusion.deadline_s,
            stale_after_s=fusion.stale_after_days * 86_400,
            on_failure=self._on_failure,
        )
        fused = self._profiles.noted(rows, estimates, self._fusion.fuse(estimates))
        scored = with_week(ScoredBatch.of(rows, estimates, fused), ShownScores.of(rows, fused, self._has_interval))
        return _named_in_rows(self.norms, scored)

    def write(self, keys: Sequence[bytes], scored: ScoredBatch) -> list[bytes]:
        """The updates of scored rows, which are those of `keys`, in their order."""
        return self.writer.write(keys, scored)


def _named_in_rows(norms: NormView | None, scored: ScoredBatch) -> ScoredBatch:
    """The same batch; its rows name these norms, and none where there are none."""
    rows = scored.rows
    if norms is None and not (rows.headers["version"] == NORMED_VERSION).any():
        return scored
    key, former = b"" if norms is None else norms.key, rows.sections[NORMS]
    return replace(scored, rows=replace(rows, sections=rows.sections.with_section(NORMS, [key] * len(former))))
