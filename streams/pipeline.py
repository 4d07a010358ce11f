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
from streams.evidence.behaviour import BehaviourSource
from streams.evidence.collect import FailureListener, collect
from streams.evidence.language import LanguageSource
from streams.evidence.model import ModelSource
from streams.evidence.source import Source
from streams.folding.batch import BatchFolder, FoldedBatch, Home, Load
from streams.folding.fold import Folding
from streams.input.signature import Authentic, nobody
from streams.rows.row import KNOWN_IDS
from streams.rows.row_batch import Block
from streams.rows.segments import LoadSegments, none_stored
from streams.scoring.fusion import Fusion, Judgement
from streams.scoring.updates import UpdateWriter
from streams.skills.skill_set import SkillSet

_UPDATES: Final = msgspec.json.Decoder(SkillUpdate)


def default_sources(skill_set: SkillSet, artifact: Artifact) -> list[Source]:
    """The three sources. A fourth is one more line here."""
    return [
        ModelSource(artifact, skill_set.names),
        LanguageSource(),
        BehaviourSource(skill_set, {skill: card.features for skill, card in artifact.card.skills.items()}),
    ]


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
        self.skill_set = skill_set
        self.artifact = artifact
        self.decode = decode
        self._authentic = authentic
        self._folding = Folding.of(skill_set, known_ids)
        self._sources = default_sources(skill_set, artifact) if sources is None else list(sources)
        self._fusion = Fusion(skill_set, artifact)
        self.writer = UpdateWriter(skill_set, artifact)
        self._on_failure = on_failure

    def fold(
        self,
        records: Sequence[Record],
        *,
        load: Load,
        home: Home,
        load_segments: LoadSegments = none_stored,
        epoch: int = 0,
        most_students: int | None = None,
    ) -> FoldedBatch:
        """Fold one partition's records into the rows that `load` gives; see BatchFolder."""
        folder = BatchFolder(
            self._folding,
            self.decode,
            home=home,
            load=load,
            load_segments=load_segments,
            epoch=epoch,
            most_students=most_students,
            authentic=self._authentic,
        )
        return folder.fold(records)

    async def judge(self, block: Block) -> Judgement:
        """Judge every line of `block`, and note the scores in it. A failing source degrades, never stops."""
        fusion = self.skill_set.fusion
        opinions = await collect(
            self._sources,
            block,
            skills=len(self.skill_set.names),
            deadline_s=fusion.deadline_s,
            stale_after_s=fusion.stale_after_days * 86_400,
            on_failure=self._on_failure,
        )
        fused = self._fusion.fuse(opinions)
        known = ~np.isnan(fused.score)
        for name, values in (("score", fused.score), ("confidence", fused.confidence)):
            block.cells[name][known] = values[known]
        return Judgement(opinions, fused)

    async def score(self, students: Sequence[str], block: Block) -> list[SkillUpdate]:
        """Judge `block`, whose lines are those of `students`, and read back what would be published of them."""
        return [_UPDATES.decode(update) for update in self.writer.write(students, block, await self.judge(block))]
