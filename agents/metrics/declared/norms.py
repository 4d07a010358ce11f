"""Norms: what is in force, how old it is, and what keeps it from being newer."""

from typing import Final, get_args

from agents.metrics.instruments import CounterBy, Declarations
from streams.norms.sealed import Reason
from streams.norms.snapshot import NormSnapshot

_KINDS: Final = ("items", "components", "cohorts")


class NormMetrics:
    """Of the snapshot in force, and of the sums that the next one is made of."""

    def __init__(self, declare: Declarations) -> None:
        self.norms = declare.gauge_by(
            ("kind",),
            "norms",
            "norms",
            "Norms in force: of `items`, `components` and `cohorts`. Absent before the first.",
        )
        self.norms_number = declare.gauge(
            "norms_number", "1", "Number of the snapshot in force: one more each time. NaN before the first."
        )
        self.norms_snapshot_bytes = declare.gauge("norms_snapshot_bytes", "bytes", "Size of the snapshot in force.")
        self.norms_age_s = declare.gauge(
            "norms_age_seconds",
            "seconds",
            "How much older the snapshot in force is than the newest records here, by the records' time. More than "
            "three times SKILLSTREAM_NORMS_EVERY_S is well where few students do anything: nothing was due.",
        )
        self.norms_left_out = declare.gauge_by(
            ("kind",), "norms_left_out", "norms", "What had no room in the snapshot in force, by kind."
        )
        self.norm_items_in_several_courses = declare.gauge(
            "norm_items_in_several_courses", "items", "Items of the snapshot in force that are in several courses."
        )
        self.norms_unread = declare.gauge(
            "norms_unread", "1", "1 while the topic `norms` cannot be read: the snapshot in force stays."
        )
        self.norms_refused: CounterBy[Reason] = declare.counter_by(
            "reason",
            "norms_refused",
            "snapshots",
            "Snapshots, and shards for one, that were not used: damaged, with pieces missing, of another app or "
            "version, or too large. What was in force stayed.",
            get_args(Reason),
        )
        self.norms_refresh_cpu_s = declare.counter(
            "norms_refresh_cpu_seconds", "seconds", "CPU that reading and indexing snapshots took, in a thread."
        )
        self.norm_scan_s = declare.counter(
            "norm_scan_seconds", "seconds", "CPU that summing rows for shards took, in a thread."
        )
        self.norm_shards = declare.counter("norm_shards", "shards", "Shards that were sent: the sums of a partition.")
        self.norm_journal_bytes = declare.counter(
            "norm_journal_bytes",
            "bytes",
            "What first answers added to the changelog, before compression: entries of the journal of norms, pages of "
            "sums, and their keys.",
        )
        self.norm_items_given_up = declare.gauge_by(
            ("partition",),
            "norm_items_given_up",
            "items",
            "How often an item had no room among SKILLSTREAM_NORM_ITEMS of its partition, or lost it, as of its last "
            "shard.",
        )

    def in_force(self, snapshot: NormSnapshot) -> None:
        """Say what is in force now."""
        self.norms.replace({(kind,): len(getattr(snapshot, kind)) for kind in _KINDS})
        self.norms_left_out.replace({(kind,): getattr(snapshot.left_out, kind) for kind in _KINDS})
        self.norms_number.set(snapshot.number)
        self.norms_snapshot_bytes.set(len(snapshot.encode()))
        several = snapshot.items["course_low"] != snapshot.items["course_high"]
        self.norm_items_in_several_courses.set(int(several.sum()))
