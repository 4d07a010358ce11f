"""What a verification finds, put into its report: differences, what cannot be judged and why, what is worth knowing."""

from collections.abc import Collection, Iterable, Mapping

from agents.config.channels import Channels
from agents.kafka.offsets import Offsets, SourcePartition
from agents.operations.verify.checkpoint import Progressed
from schemas.dialects import Record
from streams.input.checkpoint import is_same_topic
from streams.norms.snapshot import NormSnapshot
from streams.verification.audit import Difference, NotCompared
from streams.verification.dead_letters import DeadLetterBook, dead_letter_differs, repartitioned_differs
from streams.verification.ledger import EntryLedger
from streams.verification.norms import PartitionNorms
from streams.verification.partition import Pass
from streams.verification.report import VerificationReport
from streams.verification.snapshots import SnapshotCheck
from streams.verification.students import Extent


def note_removed(
    report: VerificationReport, offsets: Mapping[SourcePartition, Offsets], sources: Collection[str]
) -> None:
    """Of all that the group reads, what it has not read and cannot read: any more, or yet."""
    for (topic, partition), at in offsets.items():
        if topic not in sources:
            continue
        report.mention("records wait for an open transaction: not judged", at.held_records)
        if at.committed is not None and at.committed < at.start:
            report.leave_out(
                f"retention has removed offsets {at.committed} to {at.start - 1} of {topic}, partition "
                f"{partition}, and the group has not committed them: lost, unless they were folded"
            )


class Findings:
    """Of one verification of the topic `topic_id`, which keeps in `known` what it finds. `remote` are the sources that
    are not asked again.
    """

    def __init__(self, known: Progressed, channels: Channels, topic_id: str, remote: Iterable[str]) -> None:
        self._known = known
        self._report = known.report
        self._channels = channels
        self._topic_id = topic_id
        self._remote = ", ".join(remote)

    # -- of a partition

    def note_extent(self, extent: Extent) -> None:
        """Where what is compared of a partition begins and ends."""
        committed = self._known.offsets_by_part[self._channels.activity, extent.partition].next_offset
        if committed > extent.end:
            what = f"the group has committed offset {committed}, beyond the end: it is not the topic that was read"
            self._report.add(Difference("state", "", extent.partition, extent.end, what))
        if extent.start > 0:
            self._report.leave_out(
                f"incomplete: retention has removed the start of {self._input_of(extent)}: "
                f"offsets 0 to {extent.start - 1} can't be folded, and students who had events there can't be judged"
            )

    def note_first_offset(self, extent: Extent, first_offset: int) -> None:
        """Where the partition begins now that it is read."""
        if first_offset > extent.start:
            self._report.leave_out(
                f"retention removed records of {self._input_of(extent)}, while they were "
                "read: what differs there may come of that; run it again"
            )

    def note_first(self, one: Pass) -> None:
        """What the first pass over a partition has of all its students, and what the table says of its input."""
        self._report.records += one.records
        self._report.rerouted += one.rerouted
        self._known.on_trust += one.on_trust
        checkpoint = one.last.checkpoint
        if checkpoint is not None and is_same_topic(checkpoint, self._topic_id) is False:
            what = "the topic was deleted and created again since: its events are not those that were folded"
            self._report.add(Difference("state", "", one.extent.partition, checkpoint.offset, what))
        if checkpoint is not None and checkpoint.skipped.offsets:
            self._report.skipped_offsets += checkpoint.skipped.offsets
            self._report.leave_out(
                f"skipped: the workers never read {checkpoint.skipped} of {self._input_of(one.extent)}: "
                "they were removed before"
            )

    async def compare(self, one: Pass) -> None:
        """The students of a pass."""
        report, counts = self._report, one.counts
        async for difference in one.compare():
            report.add(difference)
        report.passes += 1
        report.students += one.students
        if not one.spoiled:
            report.erasures.add(one.erasures)
        report.applied += counts.applied
        report.late += counts.late
        report.ignored += counts.ignored
        report.duplicates += counts.duplicates
        report.beyond_horizon += counts.beyond_horizon
        for why, students in one.left_out.items():
            report.leave_students_out(why, students)
        for what, count in (
            ("records with headers of ours that are not signed: forged, or older", counts.forged_headers),
            ("applied events may repeat one that is not known any more (SKILLSTREAM_KNOWN_IDS)", counts.beyond_horizon),
            ("components gave way to newer ones (SKILLSTREAM_COMPONENTS_PER_STUDENT)", counts.components_given_up),
            ("updates of another skill set or model: scores not compared", one.scores.other_config),
            (f"updates compared by what {self._remote} said in them: not asked again", one.scores.recorded),
            (
                "rows whose scores are of other sources, or another configuration, than the last update's",
                one.scores.other_sources,
            ),
        ):
            report.mention(what, count)

    def compare_norms(self, norms: PartitionNorms, extent: Extent, on_trust: int) -> None:
        """The sums in a partition's journal; what a snapshot is compared with is kept until the end."""
        for found in norms.compare(extent, on_trust):
            if isinstance(found, NotCompared):
                self._report.mention(f"partitions whose sums of items, or some, are not judged: {found.why}", 1)
            else:
                self._report.add(found)
        self._report.norms.journal_items += norms.items
        for difference in norms.hand_over(self._known.norms, extent, on_trust):
            self._report.add(difference)

    def settle_dead_letters(self, ledger: EntryLedger, dead_letters: DeadLetterBook, extent: Extent) -> None:
        """All of a partition are read."""
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
        report.mention("dead letters of students who were erased are gone", ledger.gone)
        report.mention("dead letters about other topics: not judged", dead_letters.foreign)
        if dead_letters.on_trust:
            report.leave_out(
                f"{dead_letters.on_trust} dead letters about partition {extent.partition} are redacted by a header key "
                "that this client has not: what they hold is not compared"
            )

    # -- at the end

    def settle_repartitioned(self, repartitioned: EntryLedger) -> None:
        """All partitions are read."""
        missing, extents = 0, self._known.extents
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

    def leave_snapshot_out(self, found: NotCompared) -> None:
        """The newest snapshot of norms cannot be read."""
        self._report.leave_out(f"the newest snapshot of norms is not judged: {found.why}")

    def compare_snapshot(self, snapshot: NormSnapshot, previous: NormSnapshot | NotCompared | None) -> None:
        """The newest snapshot of norms, and the one before it, if there is one."""
        check = SnapshotCheck(snapshot, previous, self._known.norms)
        for difference in check.differences():
            self._report.add(difference)
        for (table, why), count in check.left_out.items():
            self._report.mention(f"{table} of the newest snapshot of norms are not judged: {why}", count)
            self._report.norms.add(table, 0, count)
        for table, count in check.compared.items():
            self._report.norms.add(table, count, 0)
        self._report.norms.snapshot = snapshot.version

    def settle(self, catalogue: Iterable[Record], lacking: str) -> None:
        """What is of no partition: read after all that names an entry of the catalogue; `lacking` are keys."""
        for difference in self._known.catalogue.missing(catalogue):
            self._report.add(difference)
        if self._report.tenants is not None:
            what = "records with a tenant's header that proves nothing: forged, or by a key that the file has no more"
            self._report.mention(what, self._report.tenants.not_proved)
        self._report.mention(
            "record batches were passed over that cannot be unpacked, or only to more than is allowed",
            len(self._known.passed_over),
        )
        if self._known.on_trust:
            self._report.leave_out(
                f"headers of {self._known.on_trust} records are signed and cannot be judged without the keys; they "
                f"were taken as genuine, and what depends on them is left out: {lacking}"
            )

    def _input_of(self, extent: Extent) -> str:
        return f"{self._channels.activity}, partition {extent.partition}"
