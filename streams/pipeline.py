"""The pure pipeline: decode → fold → evidence → fuse → update. No Kafka in it, so that the worker, offline replay,
training and the audit run the very same code.
"""

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np

from schemas.dialects import Decode, Record, decode
from schemas.update import SkillUpdate
from streams.evidence.artifacts import Artifact
from streams.evidence.collect import FailureListener, collect
from streams.evidence.registry import make_sources, types_of
from streams.evidence.source import Source
from streams.folding.batch import BatchFolder, FoldedBatch, Load, OwningPartition
from streams.folding.fold import Folding
from streams.input.signature import Authentic, nobody
from streams.rows.row import KNOWN_IDS
from streams.rows.row_batch import RowBatch
from streams.rows.segments import LoadSegments, none_stored
from streams.scoring.fusion import Fusion, ScoredBatch
from streams.scoring.updates import UpdateWriter
from streams.skills.skill_set import SkillsError, SkillSet

_UPDATES: Final = msgspec.json.Decoder(SkillUpdate)


class Pipeline:
    """One skill set and one artifact, ready to fold and to score."""

    def __init__(
        self,
        skill_set: SkillSet,
        artifact: Artifact,
        *,
        on_failure: FailureListener,
        sources: Sequence[Source] | None = None,
        decode: Decode = decode,
        known_ids: int = KNOWN_IDS,
        authentic: Authentic = nobody,
    ) -> None:
        """`sources` are asked instead of those that the registry makes, each in the place of the one of its name.

        Raises SkillsError for a source that is not registered, not in use by `skill_set`, or cannot be made.
        """
        types = types_of(skill_set)
        self.skill_set = skill_set
        self.artifact = artifact
        self.decode = decode
        self._authentic = authentic
        self._folding = Folding.of(skill_set, known_ids)
        self._sources = make_sources(types, skill_set, artifact) if sources is None else list(sources)
        self._shares = {each.name: each.share for each in types if each.share is not None}
        if strange := {source.name for source in self._sources} - {each.name for each in types}:
            raise SkillsError(f"source {min(strange)} is not in use: no skill of {skill_set.name} gives it a weight")
        self._fusion = Fusion(skill_set, artifact, types)
        self.writer = UpdateWriter(skill_set, artifact, types)
        self._on_failure = on_failure

    def fold(
        self,
        records: Sequence[Record],
        *,
        load: Load,
        owning_partition: OwningPartition,
        load_segments: LoadSegments = none_stored,
        epoch: int = 0,
        most_students: int | None = None,
    ) -> FoldedBatch:
        """Fold one partition's records into the rows that `load` gives; see BatchFolder."""
        folder = BatchFolder(
            self._folding,
            self.decode,
            owning_partition=owning_partition,
            load=load,
            load_segments=load_segments,
            epoch=epoch,
            most_students=most_students,
            authentic=self._authentic,
        )
        return folder.fold(records)

    async def score_rows(self, row_batch: RowBatch) -> ScoredBatch:
        """Judge every line of `row_batch`, and note the scores in it. A failing source degrades, never stops."""
        fusion = self.skill_set.fusion
        estimates = await collect(
            self._sources,
            row_batch,
            skills=len(self.skill_set.names),
            deadline_s=fusion.deadline_s,
            stale_after_s=fusion.stale_after_days * 86_400,
            on_failure=self._on_failure,
        )
        for name in self._shares.keys() & estimates.keys():
            estimates[name].shared[:] = self._shares[name]
        fused = self._fusion.fuse(estimates)
        known = ~np.isnan(fused.score)
        for name, values in (("score", fused.score), ("confidence", fused.confidence)):
            row_batch.skill_states[name][known] = values[known]
        return ScoredBatch(estimates, fused)

    async def score(self, students: Sequence[str], row_batch: RowBatch) -> list[SkillUpdate]:
        """Judge `row_batch`, whose lines are those of `students`, and read back what would be published of them."""
        return [
            _UPDATES.decode(update)
            for update in self.writer.write(students, row_batch, await self.score_rows(row_batch))
        ]
