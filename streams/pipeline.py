"""The pure pipeline, the one way from records to rows and updates. No Kafka in it: the worker, offline replay, training
and verification run the very same code, and hand in what differs (`streams.context`).

    records ──decode──► events ──route──► ours and new ──deduplicate, fold──► rows ──estimate──► the sources' estimates
                                                                                                        │
                        stored rows ◄──encode── rows with scores and marks ◄──── updates ◄──update──  fuse
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from schemas.attention import AttentionRecord
from schemas.dialects import Decode, Record, decode
from schemas.fusion_config import Overrides
from streams.context import ProcessingContext
from streams.evidence.artifacts import Artifact
from streams.evidence.collect import FailureListener
from streams.evidence.registry import config_version, make_sources, types_of
from streams.evidence.source import Source
from streams.folding.attention import attention_of
from streams.folding.batch import FoldedBatch, fold_by_week, fold_events
from streams.folding.counts import Counts
from streams.folding.dead_letters import DeadRecord
from streams.folding.decoding import decode_batch
from streams.folding.fold import Folding
from streams.folding.routing import Repartitioned, route
from streams.folding.stored_batch import StoredBatch
from streams.input.signature import Authentic, nobody
from streams.norms.first_answers import NO_FIRST_ANSWERS, AnswersOfRows
from streams.norms.view import NormView
from streams.rows.row import COMPONENTS_PER_STUDENT, KNOWN_IDS
from streams.rows.row_batch import Integers, RowBatch
from streams.scoring.fusion import ScoredBatch
from streams.scoring.histories import HistoryWriter
from streams.scoring.overrides import NO_OVERRIDES, apply_overrides, config_version_under
from streams.scoring.scorer import Scorer
from streams.skills.skill_set import SkillsError, SkillSet


@dataclass(frozen=True, slots=True, repr=False)  # Python 3.11's asyncio.run writes out what the coroutine returned
class PartitionResult:
    """What some records of one partition change. It holds the first `taken` of those that were given; `timestamps_ms`
    are theirs.

    `rows` are to be stored, in this order, by the changelog's keys, segments among them; None deletes. `updates` are
    encoded SkillUpdates by student's key: of changed rows, then those re-emitted; `histories` likewise encoded
    SkillHistories of students whose week turned, or who are re-emitted. `attention` may repeat what was told
    before a crash. `first_answers` are those that the rows came from (`streams.norms`).
    """

    rows: dict[bytes, bytes | None]
    updates: dict[bytes, bytes]
    histories: dict[bytes, bytes]
    repartitioned: Sequence[Repartitioned]
    dead_letters: Sequence[DeadRecord]
    attention: Sequence[AttentionRecord]
    taken: int
    timestamps_ms: Integers
    first_answers: AnswersOfRows


@dataclass(frozen=True, slots=True, repr=False)
class BatchOutcome:
    """What one batch changes, by partition; none is there of which nothing was taken. `scored` is None where nothing
    was.
    """

    partitions: dict[int, PartitionResult]
    counts: Counts
    scored: ScoredBatch | None


class Pipeline:
    """One skill set and one artifact, ready to fold and to score. It keeps nothing between two batches.

    `scorer` is what the next batches are scored with, under the `norms` in force, if any; whoever replaces it changes
    no batch that is being scored.
    """

    def __init__(
        self,
        skill_set: SkillSet,
        artifact: Artifact,
        *,
        on_failure: FailureListener,
        sources: Sequence[Source] | None = None,
        decode: Decode = decode,
        known_ids: int = KNOWN_IDS,
        components: int = COMPONENTS_PER_STUDENT,
        authentic: Authentic = nobody,
    ) -> None:
        """A row knows its last `known_ids` ids, and at most so many `components`.

        `sources` are asked instead of those that the registry makes, each in the place of the one of its name.

        Raises SkillsError for a source that is not registered, not in use by `skill_set`, or cannot be made.
        """
        self._types = types = types_of(skill_set)
        self.skill_set = skill_set
        self.artifact = artifact
        self.decode = decode
        self._authentic = authentic
        self._folding = Folding.of(skill_set, known_ids, components)
        self._sources = make_sources(types, skill_set, artifact) if sources is None else list(sources)
        if strange := {source.name for source in self._sources} - {each.name for each in types}:
            raise SkillsError(f"source {min(strange)} is not in use: no skill of {skill_set.name} gives it a weight")
        self._on_failure = on_failure
        self._histories = HistoryWriter(skill_set.names)
        self.base_version = config_version(skill_set, types, artifact)
        self.norms: NormView | None = None
        self.scorer = self.scorer_with(NO_OVERRIDES)

    @property
    def config_version(self) -> str:
        """Names the skill set, the artifact, and what `fusion-config` overrides of them, if anything."""
        return self.scorer.config_version

    def scorer_with(self, overrides: Overrides) -> Scorer:
        """One that scores with these overrides, under the norms in force, and asks the same sources. Raises
        ConfigRefused where they do not fit.
        """
        skill_set, artifact = apply_overrides(overrides, self.skill_set, self.artifact)
        named = config_version_under(overrides, self.base_version)
        scorer = Scorer(skill_set, artifact, self._types, self._sources, self._on_failure, named)
        return scorer.with_norms(self.norms)

    def put_norms(self, norms: NormView | None) -> None:
        """Put norms in force, or none: the next batches are scored under them. Takes microseconds."""
        self.norms = norms
        self.scorer = self.scorer.with_norms(norms)

    async def process(self, records: Mapping[int, Sequence[Record]], context: ProcessingContext) -> BatchOutcome:
        """Process the next records of each partition, in offset order, as one batch; say what that changes. Writes
        nothing.

        The same rows come out however the records are cut into batches. A failing source degrades, never stops.
        Raises Fatal for a row that cannot be read, and what the context's parts raise.
        """
        run, run_async = context.executor.run, context.executor.run_async
        batch = await run(partial(self._fold, records, context))
        for partition, some in batch.records.items():
            await context.gate(partition, some, batch.dead_letters.get(partition, ()))
        if not context.scores:
            return _outcome(batch, await run(partial(batch.encode, batch.rows)), {}, {}, None)
        scorer = self.scorer
        with context.stage("score"):
            scored = await run_async(partial(_score_by_week, scorer, batch))
            rows = context.note_pending(batch.keys[: batch.changed], scored)
        with context.stage("encode"):
            return await run(partial(self._encode, batch, scorer, scored, rows))

    def _fold(self, records: Mapping[int, Sequence[Record]], context: ProcessingContext) -> FoldedBatch:
        """Decode, route, deduplicate, fold."""
        with context.stage("decode"):
            decoded = decode_batch(records, self.decode, self._authentic, context.most_students)
        with context.stage("fold"):
            epoch_of = {partition: context.epoch_of(partition) for partition in decoded.taken}
            epochs = np.array([epoch_of[partition] for partition, _ in decoded.keys], np.int64)
            stored = StoredBatch(decoded.keys, context.rows, epochs)
            routed = route(decoded, stored.headers, stored.erasures, context.owning_partition)
            rows = stored.rows(routed.students, self.skill_set.names)
            fold = fold_by_week if context.scores else fold_events
            folded = fold(self._folding, rows, routed.new, epochs[routed.students])
            attention = attention_of(routed, folded.disclosures, context.attention_from)
            return FoldedBatch.of(decoded, routed, folded, attention)

    def _encode(self, batch: FoldedBatch, scorer: Scorer, scored: ScoredBatch, rows: RowBatch) -> BatchOutcome:
        """Write updates, histories of weeks that turned, and the rows."""
        keys, sections = [key for _, key in batch.keys], scored.rows.sections["weeks"]
        updates = batch.by_student(enumerate(scorer.write(keys, scored)))
        turned = batch.re_emitted.union(scored.weeks.turned.tolist())
        histories = batch.by_student(self._histories.write(keys, sections, sorted(turned)))
        return _outcome(batch, batch.encode(rows), updates, histories, scored)

    async def score(self, rows: RowBatch) -> ScoredBatch:
        """See Scorer."""
        return await self.scorer.score(rows)

    def write(self, keys: Sequence[bytes], scored: ScoredBatch) -> list[bytes]:
        """See Scorer."""
        return self.scorer.write(keys, scored)


async def _score_by_week(scorer: Scorer, batch: FoldedBatch) -> ScoredBatch:
    """Score the batch's rows; before, one week after the other, those that a week ended with, and note their scores."""
    for each in batch.week_ends:
        of_batch, of_week = batch.rows.sections["weeks"], each.rows.sections["weeks"]
        of_week[:] = [of_batch[index] for index in each.at]
        scored = await scorer.score(each.rows)
        for index, weeks in zip(each.at, scored.rows.sections["weeks"], strict=True):
            of_batch[index] = weeks
    return await scorer.score(batch.rows)


def _outcome(
    batch: FoldedBatch,
    rows: Mapping[int, dict[bytes, bytes | None]],
    updates: Mapping[int, dict[bytes, bytes]],
    histories: Mapping[int, dict[bytes, bytes]],
    scored: ScoredBatch | None,
) -> BatchOutcome:
    partitions = {
        partition: PartitionResult(
            rows=rows.get(partition, {}),
            updates=updates.get(partition, {}),
            histories=histories.get(partition, {}),
            repartitioned=batch.repartitioned.get(partition, []),
            dead_letters=batch.dead_letters.get(partition, []),
            attention=batch.attention.get(partition, []),
            taken=len(records),
            timestamps_ms=batch.timestamps_ms[partition],
            first_answers=batch.first_answers.get(partition, NO_FIRST_ANSWERS),
        )
        for partition, records in batch.records.items()
    }
    return BatchOutcome(partitions, batch.counts, scored)
