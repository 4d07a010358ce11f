"""The report of `verify`: the outcome of every event, and the differences."""

from collections import Counter
from typing import Any, Final

import msgspec
from msgspec import Struct

from streams.verification.audit import Difference, DifferenceKind

MAX_SHOWN: Final = 100


class NormsReport(Struct, kw_only=True):
    """What was compared of norms: items in journals, and the norms of one `snapshot`, "" where there is none.

    `not_judged` counts norms of it.
    """

    snapshot: str = ""
    journal_items: int = 0
    items: int = 0
    components: int = 0
    cohorts: int = 0
    not_judged: int = 0

    def add(self, table: str, compared: int, not_judged: int) -> None:
        """Count norms of the snapshot in one of its tables."""
        setattr(self, table, getattr(self, table) + compared)
        self.not_judged += not_judged


class ErasuresReport(Struct, kw_only=True):
    """Students who asked to be erased: those whose request no worker has read yet are `waiting`, those whose row does
    not know of it `not_done`.
    """

    students: int = 0
    waiting: int = 0
    not_done: int = 0

    def add(self, other: "ErasuresReport") -> None:
        """Those of other students."""
        self.students += other.students
        self.waiting += other.waiting
        self.not_done += other.not_done


class TenantsReport(Struct, kw_only=True):
    """Records that prove their tenant, have a header that proves none, and have none; of these records or their parts,
    those that speak of another's students, and those that are `held`. `hold_count` is of ended holds, too, `standing`
    of the others.
    """

    proved: int = 0
    not_proved: int = 0
    unsigned: int = 0
    foreign_students: int = 0
    held: int = 0
    hold_count: int = 0
    standing: int = 0


class VerificationReport(Struct, kw_only=True):
    """Counts are of events unless their name says otherwise. `complete`: everything was compared.

    `beyond_horizon`: of the applied, what may repeat an event whose id is not known any more. `skipped_offsets` were
    removed before the workers read them. `repeats` are dead letters and repartitioned events that a crash made the
    workers send twice; `unaccounted` counts differences that are neither lost, double applied nor stale; `passes` over
    partitions, for want of memory more than one each. `tenants` is None where there are none.
    """

    complete: bool = True
    records: int = 0
    applied: int = 0
    late: int = 0
    ignored: int = 0
    duplicates: int = 0
    dead_lettered: int = 0
    rerouted: int = 0
    skipped_offsets: int = 0
    repeats: int = 0
    beyond_horizon: int = 0
    students: int = 0
    not_judged: int = 0
    passes: int = 0
    norms: NormsReport = msgspec.field(default_factory=NormsReport)
    erasures: ErasuresReport = msgspec.field(default_factory=ErasuresReport)
    tenants: TenantsReport | None = None
    differences: list[Difference] = []
    notes: list[str] = []
    mentions: Counter[str] = msgspec.field(default_factory=Counter)
    kinds: Counter[DifferenceKind] = msgspec.field(default_factory=Counter)

    @property
    def ok(self) -> bool:
        """Everything was compared, and nothing differs."""
        return self.complete and not self.kinds

    @property
    def events_in(self) -> int:
        """Each has one outcome."""
        return self.applied + self.ignored + self.duplicates + self.dead_lettered

    def add(self, difference: Difference) -> None:
        """One more difference; the first MAX_SHOWN are kept."""
        self.kinds[difference.kind] += 1
        if len(self.differences) < MAX_SHOWN:
            self.differences.append(difference)

    def leave_out(self, note: str) -> None:
        """Note why something cannot be compared."""
        self.complete = False
        self.notes.append(note)

    def leave_students_out(self, why: str, students: int) -> None:
        """Note that some students cannot be compared."""
        self.complete = False
        self.not_judged += students
        self.mention(f"students not judged: {why}", students)

    def mention(self, what: str, count: int) -> None:
        """Count something that is right, and that an operator should know of; 0 is not shown."""
        self.mentions[what] += count

    @property
    def all_notes(self) -> list[str]:
        """What is left out, then what is mentioned."""
        return [*self.notes, *(f"{count} {what}" for what, count in self.mentions.items() if count)]

    def as_json(self) -> dict[str, Any]:
        """The object that `verify --json` ends with."""
        loud = ("lost", "double_applied", "stale_row")
        return {
            "ok": self.ok,
            "complete": self.complete,
            "records": self.records,
            "events_in": self.events_in,
            **{name: getattr(self, name) for name in _OUTCOMES},
            "students": self.students,
            "not_judged": self.not_judged,
            "skipped_offsets": self.skipped_offsets,
            "repeats": self.repeats,
            "beyond_horizon": self.beyond_horizon,
            "passes": self.passes,
            "lost": self.kinds["lost"],
            "double_applied": self.kinds["double_applied"],
            "stale_rows": self.kinds["stale_row"],
            "unaccounted": sum(count for kind, count in self.kinds.items() if kind not in loud),
            "norms": msgspec.to_builtins(self.norms) | {"snapshot": self.norms.snapshot or None},
            "erasures": msgspec.to_builtins(self.erasures),
            "tenants": msgspec.to_builtins(self.tenants),
            "differences": [msgspec.to_builtins(difference) for difference in self.differences],
            "notes": self.all_notes,
        }


_OUTCOMES: Final = ("applied", "late", "ignored", "duplicates", "dead_lettered", "rerouted")
