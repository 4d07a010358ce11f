"""One verification: partition after partition, each in as many passes as memory asks for."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agents.config.channels import Channels
from agents.config.dialects import decoder_of
from agents.config.header_keys import Keyring
from agents.config.models import artifact_of
from agents.config.settings import Settings
from agents.delivery.deployment import changelog_of
from agents.fusion_config.catalogue import CatalogueTopic
from agents.fusion_config.stored import StoredConfigurations
from agents.kafka.input_topic import InputTopic
from agents.kafka.offsets import Offsets, SourcePartition
from agents.kafka.reader import TopicReader
from agents.kafka.unpacking import slim_records
from agents.norms.stored import StoredNorms
from agents.operations.verify.checkpoint import Progressed, VerifyCheckpoint
from agents.operations.verify.partition import PartitionReader
from agents.operations.verify.positions import Positions, require_topics
from schemas.topics import MAX_RECORD_BYTES
from streams.input.checkpoint import InputCheckpoint, is_same_topic
from streams.input.partitioner import partitioner
from streams.skills.skills_file import load_skills
from streams.verification.audit import Difference, NotCompared
from streams.verification.catalogue import CatalogueCheck
from streams.verification.dead_letters import (
    DeadLetterBook,
    RepartitionBook,
    dead_letter_differs,
    repartitioned_differs,
)
from streams.verification.ledger import EntryLedger
from streams.verification.norms import ItemSumsCheck
from streams.verification.partition import Pass
from streams.verification.report import VerificationReport
from streams.verification.rescoring import Rescoring
from streams.verification.slices import Slice
from streams.verification.students import Extent

VerifyProgress = Callable[[int, int], None]
"""Records read so far, and how many there are to read."""

_READ_TIMEOUT_S: Final = 30.0


@dataclass(slots=True)
class _Progress:
    tell: VerifyProgress
    done: int = 0
    of: int = 0

    def begin(self, done: int, of: int) -> None:
        self.done, self.of = done, of

    def advance(self, records: int) -> None:
        self.done += records
        self.tell(self.done, max(self.of, self.done))


class Verification:
    """Verifies what the workers with these `settings` left. Raises SettingsError, SkillsError, ArtifactError for such
    as are of no use.

    `memory_bytes` bounds what is kept of students, on top of the program itself. Waits up to `wait_s` for the workers
    to catch up. With a `checkpoint`, goes on where an earlier run was interrupted that had the same one.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        memory_bytes: int,
        wait_s: float,
        tell: VerifyProgress,
        checkpoint: Path | None = None,
    ) -> None:
        self._settings = settings
        self._checkpoint = checkpoint
        self._channels = Channels.of(settings)
        self._changelog = changelog_of(settings).name
        self._ledger_bytes = memory_bytes // 8
        self._students_bytes = memory_bytes - 2 * self._ledger_bytes
        self._wait_s = wait_s
        decode = decoder_of(settings)
        self._keyring = Keyring(settings)
        skill_set, artifact = load_skills(settings.skills), artifact_of(settings)
        self._rescoring = Rescoring(
            skill_set,
            artifact,
            decode,
            settings.known_ids,
            self._keyring.may_be_authentic,
            settings.components_per_student,
            StoredConfigurations(settings, skill_set, artifact),
            StoredNorms(settings),
        )
        self._partitioner = partitioner(settings.partitioner)
        self._progress = _Progress(tell)
        self._report = VerificationReport()
        self._on_trust = 0

    def run(self) -> VerificationReport:
        """Verify; changes nothing on the broker. Raises BrokerUnavailable, TopicMismatch, Retryable, Fatal. Blocks."""
        return asyncio.run(self._run())

    async def _run(self) -> VerificationReport:
        settings, channels = self._settings, self._channels
        topics = (*channels.sources, channels.updates, channels.reasoning, channels.dead_letters, self._changelog)
        require_topics(settings.broker, topics, settings.partitions, settings.start_timeout_s)
        self._keyring.open_as_allowed()
        slim_records(settings.batch_max_unpacked_mb * 1_000_000)
        # The results of calls change what is pending in rows, and nothing that is compared.
        compared = (channels.activity, channels.erasures)
        positions = Positions(settings.broker, settings.app_id, topics, compared, settings.partitions)
        topic_id = InputTopic(settings.broker, settings.app_id, channels.activity).describe().topic_id
        subject = {"topic": topic_id, "skills or model": self._rescoring.pipeline.base_version}
        checkpoint = VerifyCheckpoint(self._checkpoint, settings, subject)
        with ExitStack() as stack:
            repartitioned = stack.enter_context(EntryLedger(self._ledger_bytes))
            known = checkpoint.load(repartitioned) or await self._begin(positions)
            self._report, self._on_trust, catalogue = known.report, known.on_trust, known.catalogue
            offsets, extents = known.offsets_by_part, known.extents
            self._progress.begin(known.records_read, _records_of(offsets, channels.results))
            readers = {topic: stack.enter_context(self._reader(topic)) for topic in topics}
            activity = readers[channels.activity]
            partitions = PartitionReader(
                readers=readers,
                advance=self._progress.advance,
                channels=channels,
                changelog=self._changelog,
                offsets=offsets,
                owning_partition=self._owning_partition,
                rescoring=self._rescoring,
                memory_bytes=self._students_bytes,
                is_of_lacking_key=self._keyring.is_of_lacking_key,
                catalogue=catalogue,
                passed_over=set(known.passed_over),
            )
            for partition in (each for each in range(settings.partitions) if each not in extents):
                extent = self._extent(activity, offsets, partition)
                extents[partition] = await self._partition(partitions, extent, repartitioned, topic_id)
                if activity.span(partition)[0] > extent.start:
                    self._report.leave_out(
                        f"retention removed records of {channels.activity}, partition {partition}, while they were "
                        "read: what differs there may come of that; run it again"
                    )
                known.passed_over = sorted(partitions.passed_over)
                known.on_trust, known.records_read = self._on_trust, self._progress.done
                checkpoint.save(known, repartitioned)
            self._settle_repartitioned(repartitioned, extents)
        for difference in catalogue.missing(CatalogueTopic(settings).read()):  # read after all that names an entry
            self._report.add(difference)
        self._report.mention(
            "record batches were passed over that cannot be unpacked, or only to more than is allowed",
            len(partitions.passed_over),
        )
        self._tell_on_trust()
        checkpoint.remove()
        return self._report

    async def _begin(self, positions: Positions) -> Progressed:
        """Nothing is read yet."""
        offsets, lag = await positions.caught_up(self._wait_s)
        if lag:
            self._report.leave_out(
                f"not caught up: {lag} records are not committed and not judged; stop producers or use --wait"
            )
        self._tell_removed(offsets)
        return Progressed(
            offsets=[(*part, at) for part, at in offsets.items()],
            extents={},
            report=self._report,
            catalogue=CatalogueCheck(),
            passed_over=[],
            on_trust=0,
            records_read=0,
        )

    async def _partition(
        self, partitions: PartitionReader, extent: Extent, repartitioned: EntryLedger, topic_id: str
    ) -> Extent:
        """Verify one partition; its extent, as it turned out."""
        report = self._report
        with EntryLedger(self._ledger_bytes) as ledger:
            partitions.find_refused(extent.partition)
            dead_letters = DeadLetterBook(self._channels.activity, MAX_RECORD_BYTES, ledger)
            norms = ItemSumsCheck(extent.partition)
            first = await partitions.one_pass(
                extent, Slice(), dead_letters, self._repartition_book(repartitioned), norms
            )
            extent = first.extent
            self._require_topic(first.last.checkpoint, topic_id, extent)
            self._tell_skipped(first.last.checkpoint, extent.partition)
            report.records += first.records
            report.rerouted += first.rerouted
            self._on_trust += first.on_trust
            await self._compare(first)
            todo = list(first.set_aside)
            while todo:
                further = await partitions.one_pass(extent, todo.pop(), dead_letters, None, norms)
                await self._compare(further)
                todo += further.set_aside
            partitions.find_dead_letters(extent, dead_letters)
            self._settle_dead_letters(ledger, dead_letters, extent)
        self._compare_norms(norms, extent, first.on_trust)
        return extent

    def _compare_norms(self, norms: ItemSumsCheck, extent: Extent, on_trust: int) -> None:
        for found in norms.compare(extent, on_trust):
            if isinstance(found, NotCompared):
                self._report.mention(f"partitions whose sums of items, or some, are not judged: {found.why}", 1)
            else:
                self._report.add(found)

    async def _compare(self, one: Pass) -> None:
        report, counts = self._report, one.counts
        async for difference in one.compare():
            report.add(difference)
        report.passes += 1
        report.students += one.students
        report.applied += counts.applied
        report.late += counts.late
        report.ignored += counts.ignored
        report.duplicates += counts.duplicates
        report.mention("records with headers of ours that are not signed: forged, or older", counts.forged_headers)
        report.beyond_horizon += counts.beyond_horizon
        for why, students in one.left_out.items():
            report.leave_students_out(why, students)
        report.mention(
            "applied events may repeat one that is not known any more (SKILLSTREAM_KNOWN_IDS)", counts.beyond_horizon
        )
        report.mention(
            "components gave way to newer ones (SKILLSTREAM_COMPONENTS_PER_STUDENT)", counts.components_given_up
        )
        report.mention("updates of another skill set or model: scores not compared", one.scores.other_config)
        far = ", ".join(self._rescoring.remote)
        report.mention(f"updates compared by what {far} said in them: not asked again", one.scores.recorded)
        report.mention(
            "rows whose scores are of other sources, or another configuration, than the last update's",
            one.scores.other_sources,
        )

    # -- what is not of any student

    def _tell_on_trust(self) -> None:
        if self._on_trust:
            self._report.leave_out(
                f"headers of {self._on_trust} records are signed and cannot be judged without the keys; they were "
                f"taken as genuine, and what depends on them is left out: {self._keyring.lacking}"
            )

    def _repartition_book(self, repartitioned: EntryLedger) -> RepartitionBook:
        return RepartitionBook(self._channels.activity, repartitioned, self._keyring.authentic)

    def _owning_partition(self, key: bytes) -> int | None:
        return self._partitioner.owning_partition(key, self._settings.partitions)

    def _reader(self, topic: str) -> TopicReader:
        return TopicReader(self._settings.broker, topic, "skillstream-verify", _READ_TIMEOUT_S)  # no group's member

    def _extent(self, input_reader: TopicReader, offsets: Mapping[SourcePartition, Offsets], partition: int) -> Extent:
        channels = self._channels
        activity = offsets[channels.activity, partition]
        start = max(activity.start, input_reader.span(partition)[0])
        committed = activity.next_offset
        if committed > activity.end:
            what = f"the group has committed offset {committed}, beyond the end: it is not the topic that was read"
            self._report.add(Difference("state", "", partition, activity.end, what))
        if start > 0:
            self._report.leave_out(
                f"incomplete: retention has removed the start of {channels.activity}, partition {partition}: "
                f"offsets 0 to {start - 1} can't be folded, and students who had events there can't be judged"
            )
        return Extent(
            partition=partition,
            start=start,
            cut=max(start, min(committed, activity.end)),
            epoch=self._settings.epoch,
            updates_gone=offsets[channels.updates, partition].start > 0,
            dead_letters_gone=offsets[channels.dead_letters, partition].start > 0,
        )

    def _require_topic(self, checkpoint: InputCheckpoint | None, topic_id: str, extent: Extent) -> None:
        if checkpoint is not None and is_same_topic(checkpoint, topic_id) is False:
            what = "the topic was deleted and created again since: its events are not those that were folded"
            self._report.add(Difference("state", "", extent.partition, checkpoint.offset, what))

    def _tell_skipped(self, checkpoint: InputCheckpoint | None, partition: int) -> None:
        if checkpoint is not None and checkpoint.skipped.offsets:
            self._report.skipped_offsets += checkpoint.skipped.offsets
            self._report.leave_out(
                f"skipped: the workers never read {checkpoint.skipped} of {self._channels.activity}, "
                f"partition {partition}: they were removed before"
            )

    def _tell_removed(self, offsets: Mapping[SourcePartition, Offsets]) -> None:
        """Of all that the group reads, what it has not read and cannot read: any more, or yet."""
        for topic in self._channels.sources:
            for partition in range(self._settings.partitions):
                at = offsets[topic, partition]
                self._report.mention("records wait for an open transaction: not judged", at.held_records)
                if at.committed is not None and at.committed < at.start:
                    self._report.leave_out(
                        f"retention has removed offsets {at.committed} to {at.start - 1} of {topic}, partition "
                        f"{partition}, and the group has not committed them: lost, unless they were folded"
                    )

    def _settle_dead_letters(self, ledger: EntryLedger, dead_letters: DeadLetterBook, extent: Extent) -> None:
        report = self._report
        for difference in dead_letters.unreadable:
            report.add(difference)
        missing = 0
        for mismatch in ledger.settle():
            if mismatch.how == "missing" and extent.dead_letters_gone:
                missing += 1
            else:
                report.add(dead_letter_differs(mismatch))
        if missing:
            report.leave_out(
                f"incomplete: retention has removed the start of {self._channels.dead_letters}, "
                f"partition {extent.partition}: {missing} dead letters that should be there may have been"
            )
        report.dead_lettered += ledger.expected
        report.repeats += ledger.repeats
        report.mention("dead letters about other topics: not judged", dead_letters.foreign)

    def _settle_repartitioned(self, repartitioned: EntryLedger, extents: Mapping[int, Extent]) -> None:
        missing = 0
        for mismatch in repartitioned.settle():
            entry = mismatch.entry
            origin, owning_partition = extents.get(entry.about[0]), extents.get(entry.at)
            if origin is not None and not origin.start <= entry.about[1] < origin.cut:
                continue
            if mismatch.how == "missing" and owning_partition is not None and owning_partition.start > 0:
                missing += 1
            else:
                self._report.add(repartitioned_differs(mismatch))
        if missing:
            self._report.leave_out(f"incomplete: retention may have removed {missing} events that were forwarded")
        self._report.repeats += repartitioned.repeats


def _records_of(offsets: Mapping[SourcePartition, Offsets], unread: str) -> int:
    """How many there are to read, of all topics but `unread`."""
    return sum(each.end - each.start for part, each in offsets.items() if part[0] != unread)
