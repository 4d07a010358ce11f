"""One verification: partition after partition, each in as many passes as memory asks for."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import ExitStack
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
from agents.identities.starts_topic import identity_decoding, stated_starts
from agents.kafka.input_topic import InputTopic
from agents.kafka.reader import TopicReader
from agents.kafka.unpacking import slim_records
from agents.operations.erasures import StoredErasures
from agents.operations.verify.checkpoint import Progressed, VerifyCheckpoint
from agents.operations.verify.findings import Findings, note_removed
from agents.operations.verify.norms import VerifiedNorms
from agents.operations.verify.partition import PartitionReader
from agents.operations.verify.positions import Positions, require_topics
from agents.tenants.topic import HoldTopic, tenant_decoding
from schemas.dialects import Decode, Record
from schemas.topics import MAX_RECORD_BYTES
from streams.folding.dead_letter_students import students_in
from streams.input.partitioner import partitioner
from streams.norms.snapshot import NormSnapshot
from streams.skills.skills_file import load_skills
from streams.verification.dead_letters import DeadLetterBook, RepartitionBook
from streams.verification.ledger import EntryLedger
from streams.verification.norms import PartitionNorms
from streams.verification.report import TenantsReport, VerificationReport
from streams.verification.rescoring import Rescoring
from streams.verification.slices import Slice
from streams.verification.snapshot_sums import SnapshotSums
from streams.verification.students import Extent
from streams.verification.tenants import TenantCount

VerifyProgress = Callable[[int, int], None]
"""Records read so far, and how many there are to read."""

_READ_TIMEOUT_S: Final = 30.0


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
        self._tell = tell
        self._tenants = tenant_decoding(settings)
        self._decode = decoder_of(settings)
        decode: Decode = self._decode if self._tenants is None else self._tenants
        self._keyring = Keyring(settings)
        self._identities = identity_decoding(settings, decode, self._keyring.may_be_authentic)
        self._norms = VerifiedNorms(settings)
        skill_set, artifact = load_skills(settings.skills), artifact_of(settings)
        self._rescoring = Rescoring(
            skill_set,
            artifact,
            decode if self._identities is None else self._identities,
            settings.known_ids,
            self._keyring.may_be_authentic,
            settings.components_per_student,
            StoredConfigurations(settings, skill_set, artifact),
            self._norms,
        )
        self._partitioner = partitioner(settings.partitioner)
        self._erasures = StoredErasures({})

    def run(self) -> VerificationReport:
        """Verify; changes nothing on the broker. Raises BrokerUnavailable, TopicMismatch, Retryable, Fatal. Blocks."""
        return asyncio.run(self._run())

    async def _run(self) -> VerificationReport:
        settings, channels = self._settings, self._channels
        topics = (*channels.sources, channels.updates, channels.reasoning, channels.dead_letters, self._changelog)
        require_topics(settings.broker, topics, settings.partitions, settings.start_timeout_s)
        self._keyring.open_as_allowed()
        slim_records(settings.batch_max_unpacked_mb * 1_000_000)
        topic_id = InputTopic(settings.broker, settings.app_id, channels.activity).describe().topic_id
        subject = {"topic": topic_id, "skills or model": self._rescoring.pipeline.base_version}
        checkpoint = VerifyCheckpoint(self._checkpoint, settings, subject)
        with ExitStack() as stack:
            repartitioned = stack.enter_context(EntryLedger(self._ledger_bytes))
            known = checkpoint.load(repartitioned) or await self._begin(topics)
            self._erasures = StoredErasures.read(settings, topic_id, self._keyring.may_be_authentic)
            findings = Findings(known, channels, topic_id, self._rescoring.remote)
            if self._tenants is not None:  # after the offsets: what is committed was worked on under these
                self._tenants.held = HoldTopic(settings).read(topic_id)
            if self._identities is not None:
                self._identities.starts = stated_starts(settings, topic_id)
            readers = {topic: stack.enter_context(self._reader(topic)) for topic in topics}
            activity = readers[channels.activity]
            reader = self._partition_reader(known, readers, topic_id, self._tenant_count(known.report))
            repartitions = RepartitionBook(channels.activity, repartitioned, self._keyring.authentic)
            snapshot = self._norms.read(known.norms.version)
            covered = {at.partition: at for at in snapshot.offsets} if isinstance(snapshot, NormSnapshot) else {}
            for partition in (each for each in range(settings.partitions) if each not in known.extents):
                extent = self._extent(reader, activity.span(partition)[0], partition)
                findings.note_extent(extent)
                norms = PartitionNorms(partition, covered.get(partition))
                known.extents[partition] = await self._partition(reader, findings, extent, repartitions, norms)
                findings.note_first_offset(extent, activity.span(partition)[0])
                checkpoint.save(known, repartitioned)
            findings.settle_repartitioned(repartitioned)
        if isinstance(snapshot, NormSnapshot):
            findings.compare_snapshot(snapshot, self._norms.read(snapshot.previous))
        elif snapshot is not None:
            findings.leave_snapshot_out(snapshot)
        findings.settle(CatalogueTopic(settings).read(), self._keyring.lacking)
        checkpoint.remove()
        return known.report

    async def _begin(self, topics: tuple[str, ...]) -> Progressed:
        """Nothing is read yet, but which norms are the newest: before the ends, which so are beyond their offsets."""
        settings, report = self._settings, VerificationReport()
        version = self._norms.newest_version(report)
        # The results of calls change what is pending in rows, and nothing that is compared.
        compared = (self._channels.activity, self._channels.erasures)
        positions = Positions(settings.broker, settings.app_id, topics, compared, settings.partitions)
        offsets, lag = await positions.caught_up(self._wait_s)
        if lag:
            report.leave_out(
                f"not caught up: {lag} records are not committed and not judged; stop producers or use --wait"
            )
        note_removed(report, offsets, self._channels.sources)
        return Progressed(
            offsets=[(*part, at) for part, at in offsets.items()], report=report, norms=SnapshotSums(version=version)
        )

    async def _partition(
        self,
        reader: PartitionReader,
        findings: Findings,
        extent: Extent,
        repartitions: RepartitionBook,
        norms: PartitionNorms,
    ) -> Extent:
        """Verify one partition; its extent, as it turned out."""
        with EntryLedger(self._ledger_bytes) as ledger:
            reader.find_refused(extent.partition)
            dead_letters = DeadLetterBook(
                self._channels.activity, MAX_RECORD_BYTES, ledger, self._keyring.hashes_of, self._is_erased
            )
            first = await reader.one_pass(extent, Slice(), dead_letters, repartitions, norms)
            findings.note_first(first)
            await findings.compare(first)
            todo = list(first.set_aside)
            while todo:
                further = await reader.one_pass(first.extent, todo.pop(), dead_letters, None, norms)
                await findings.compare(further)
                todo += further.set_aside
            reader.find_dead_letters(first.extent, dead_letters)
            findings.settle_dead_letters(ledger, dead_letters, first.extent)
        findings.compare_norms(norms, first.extent, first.on_trust)
        return first.extent

    def _partition_reader(
        self, known: Progressed, readers: Mapping[str, TopicReader], topic_id: str, tenants: TenantCount | None
    ) -> PartitionReader:
        offsets = known.offsets_by_part
        of = sum(each.end - each.start for part, each in offsets.items() if part[0] != self._channels.results)

        def advance(records: int) -> None:
            known.records_read += records
            self._tell(known.records_read, max(of, known.records_read))

        return PartitionReader(
            readers=readers,
            advance=advance,
            channels=self._channels,
            changelog=self._changelog,
            offsets=offsets,
            owning_partition=lambda key: self._partitioner.owning_partition(key, self._settings.partitions),
            rescoring=self._rescoring,
            memory_bytes=self._students_bytes,
            is_of_lacking_key=self._keyring.is_of_lacking_key,
            authentic=self._keyring.may_be_authentic,
            topic_id=topic_id,
            catalogue=known.catalogue,
            tenants=tenants,
            passed_over=known.passed_over,
        )

    def _is_erased(self, record: Record) -> bool:
        """Whether a record is of somebody who was erased since it came."""
        return bool(self._erasures.students) and any(
            self._erasures.cover(student, record.partition, record.offset, record.timestamp)
            for student in {record.key, *students_in(record, self._decode)}
        )

    def _tenant_count(self, report: VerificationReport) -> TenantCount | None:
        if self._tenants is None:
            return None
        report.tenants = report.tenants or TenantsReport()
        return TenantCount(self._tenants.tenancy, self._tenants.held, report.tenants)

    def _extent(self, reader: PartitionReader, first_offset: int, partition: int) -> Extent:
        channels, offsets = self._channels, reader.offsets
        activity = offsets[channels.activity, partition]
        start = max(activity.start, first_offset)
        return Extent(
            partition=partition,
            start=start,
            cut=max(start, min(activity.next_offset, activity.end)),
            end=activity.end,
            epoch=self._settings.epoch,
            updates_gone=offsets[channels.updates, partition].start > 0,
            dead_letters_gone=offsets[channels.dead_letters, partition].start > 0,
        )

    def _reader(self, topic: str) -> TopicReader:
        return TopicReader(self._settings.broker, topic, "skillstream-verify", _READ_TIMEOUT_S)  # no group's member
