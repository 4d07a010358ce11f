"""One pass over one partition: what was published of a slice of its students, its input folded again, and the two
compared.

In this order: `last` notes what was published; `begin`; `fold` up to the cut; `follow` from there on, to `reach`;
`compare`.
"""

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from schemas.dialects import Record
from schemas.errors import Fatal
from streams.folding.counts import Counts
from streams.input.partitioner import OwningPartitionOfKey
from streams.input.signature import Authentic, nobody
from streams.pipeline import PartitionResult
from streams.rows.codec import decode_row
from streams.rows.row import Row
from streams.verification.asked import count_erasures
from streams.verification.audit import AuditFinding, Difference, NotCompared, RowPosition, position
from streams.verification.catalogue import CatalogueCheck
from streams.verification.erased import ErasedStudents
from streams.verification.erased_by_offset import ErasedByOffset, acceptance_differs
from streams.verification.known_ids import segments_differ
from streams.verification.latest import Last
from streams.verification.norms import PartitionNorms
from streams.verification.on_trust import StudentsOnTrust
from streams.verification.refold import Refold
from streams.verification.rescoring import Rescoring
from streams.verification.scores import ScoreComparison
from streams.verification.slices import Slice
from streams.verification.students import Case, Extent, compare_published, compare_row

_CHUNK: Final = 500
_NO_KEYS: Final = "their events came with signed headers that cannot be judged without the keys"


class Pass:
    """See the module. `memory_bytes` bounds what is kept of students, roughly; those left out are `set_aside`.

    `is_of_lacking_key` tells records whose headers of ours were taken as genuine for want of keys. `catalogue` hears of
    each student's last update, `norms` of what the slice's students did: give `fold` what its `cut` gives.
    """

    def __init__(
        self,
        rescoring: Rescoring,
        owning_partition: OwningPartitionOfKey,
        extent: Extent,
        students: Slice,
        memory_bytes: int,
        is_of_lacking_key: Authentic = nobody,
        catalogue: CatalogueCheck | None = None,
        norms: PartitionNorms | None = None,
    ) -> None:
        self._is_of_lacking_key = is_of_lacking_key
        self._pipeline = rescoring.pipeline
        self._owning_partition = owning_partition
        self.extent = extent
        self._memory_bytes = memory_bytes
        self.last = Last(students, memory_bytes, rescoring.remote)
        self.scores = ScoreComparison(rescoring)
        self.catalogue = CatalogueCheck() if catalogue is None else catalogue
        self.norms = PartitionNorms(extent.partition) if norms is None else norms
        self.students = 0
        self.left_out: dict[str, int] = {}
        self._ahead: dict[bytes, RowPosition] = {}
        self._reached: dict[bytes, bytes] = {}

    def begin(self) -> None:
        """All that was published is noted. From here on the extent's epoch is the table's own, if it has one, and
        `erasures` says how many students asked.
        """
        if self.last.checkpoint is not None:
            self.extent = self.extent.of_epoch(self.last.checkpoint.epoch)
        self._refold = Refold(
            self._pipeline, self._owning_partition, self.extent.epoch, self.last.slice, self._memory_bytes
        )
        self._on_trust = StudentsOnTrust(self.last.slice, self._pipeline.decode, self._is_of_lacking_key)
        asked: set[bytes] = {*self.last.requests, *self.last.accepted}
        by_offset: dict[bytes, Row] = {}
        erased: dict[bytes, Row] = {}
        for key, stored in self.last.rows.items():
            row = _decoded(stored)
            if isinstance(row, Row):
                if row.erased_us > 0:
                    asked.add(key)
                    erased[key] = row
                    if row.erasure and row.epoch == self.extent.epoch:
                        by_offset[key] = row
                if not row.is_tombstone and self.extent.is_open(position(row)):
                    self._ahead[key] = position(row)
        self._erased = ErasedStudents(asked, self._pipeline.decode)
        self.erasures = count_erasures(self.last, erased)
        self._by_offset = ErasedByOffset(by_offset, self._pipeline.decode)
        self.norms.begin(self.last.checkpoint)

    @property
    def reach(self) -> int:
        """The offset up to which `follow` needs records."""
        return max([self.extent.cut, *(offset + 1 for _, offset in self._ahead.values())])

    @property
    def counts(self) -> Counts:
        """Outcomes of the slice's events; rerouted events are those of all students."""
        return Counts() if self._refold.spoiled else self._refold.counts

    @property
    def records(self) -> int:
        """Records up to the cut."""
        return self._refold.counts.records_in

    @property
    def on_trust(self) -> int:
        """Records, also beyond the cut, whose headers of ours cannot be judged."""
        return self._on_trust.records

    @property
    def rerouted(self) -> int:
        """Events on this partition that another one owns."""
        return self._refold.counts.rerouted

    @property
    def spoiled(self) -> bool:
        """Whether the replay's rows took too much: then the slice is to be done in halves, and nothing is compared."""
        return self._refold.spoiled

    @property
    def set_aside(self) -> Iterable[Slice]:
        """What later passes have to look at."""
        return [*self.last.set_aside, *(self.last.slice.halves() if self.spoiled else ())]

    async def fold(self, records: Sequence[Record]) -> PartitionResult:
        """The next records of the input, up to the cut."""
        self._erased.note(records)
        self._on_trust.note(records)
        self.norms.pass_by(records[0].offset, self._refold.rows)
        result = await self._refold.fold(records)
        await self._by_offset.fold(records, self._refold)
        self.norms.note(records, result, self._erased.contains)
        self.norms.leave_out(self._erased.items)
        return result

    async def follow(self, records: Sequence[Record]) -> None:
        """The next records, from the cut on: rows that are further than it are compared where they are."""
        if self._ahead and not self.spoiled:
            for key in self._ahead:
                if key in self._refold.rows:
                    self._reached.setdefault(key, self._refold.rows[key])
            self._erased.note(records)
            self._on_trust.note(records)
            await self._refold.follow(records, self._ahead, self._reached)
            await self._by_offset.follow(records, self._refold)

    async def compare(self) -> AsyncIterator[Difference]:
        """Every difference of the slice's students. Raises SourceFailed."""
        self.norms.end_pass(self._refold.rows, spoiled=self.spoiled)
        if self.spoiled:
            return
        for problem in self.last.problems:
            yield problem
        for keys in _chunks(self.last.students() | self.last.accepted.keys() | self._refold.rows.keys()):
            self.students += len(keys)
            exact: dict[bytes, Case] = {}
            for key in keys:
                if self._on_trust.contains(key):
                    self._leave_out(_NO_KEYS)
                    continue
                case = await self._case(key)
                if isinstance(case, AuditFinding):
                    yield self._difference(key, case, -1)
                    continue
                if case.published is not None:
                    self.catalogue.note(key, self.extent.partition, case.published)
                row = compare_row(case, self.extent) or self._compare_segments(key, case)
                all_found = [row, *compare_published(case, row, self.extent)]
                for found in all_found:
                    if isinstance(found, AuditFinding):
                        yield self._difference(key, found, _offset(case))
                for why in [found.why for found in all_found if isinstance(found, NotCompared)][:1]:
                    self._leave_out(why)
                if row is None:
                    exact[key] = case
            async for key, found in self.scores.compare(exact):
                yield self._difference(key, found, _offset(exact[key]))
        for why, students in self.scores.left_out.items():
            self._leave_out(why, students)

    def _leave_out(self, why: str, students: int = 1) -> None:
        self.left_out[why] = self.left_out.get(why, 0) + students

    def _difference(self, key: bytes, found: AuditFinding, offset: int) -> Difference:
        return Difference(found.kind, key.decode("utf-8", "replace"), self.extent.partition, offset, found.what)

    def _compare_segments(self, key: bytes, case: Case) -> AuditFinding | None:
        if case.live is None:
            return None
        replayed = self._by_offset.segments.get(key, {} if case.erased else self._refold.segments)
        return segments_differ(key, case.live, self.last.segments.get(key, {}), replayed)

    async def _case(self, key: bytes) -> Case | AuditFinding:
        live = _decoded(self.last.rows.get(key))
        if isinstance(live, AuditFinding):
            return live
        stored = self._reached.get(key) if key in self._ahead else self._refold.rows.get(key)
        replayed = None if stored is None else decode_row(stored)
        row: AuditFinding | NotCompared | None = None
        erased = self._erased.contains(key)
        accepted = self.last.accepted.get(key)
        if key in self.last.late_requests:
            row, replayed = NotCompared("asked to be erased meanwhile"), None
        elif (
            live is not None
            and live.epoch == self.extent.epoch
            and (found := acceptance_differs(live, accepted)) is not None
        ):
            row, replayed = found, None
        elif key in self._by_offset.rows:
            replayed, erased = self._by_offset.rows[key], False
        elif erased:
            asked_us, gone = self.last.requests.get(key, 0), self.extent.history_gone
            row, replayed = await self._erased.compare(key, live, asked_us, self._refold, history_gone=gone)
        return Case(
            live,
            self.last.newest(key),
            replayed,
            self.last.published(key),
            self.last.explained.get(key),
            erased=erased,
            row=row,
            began=self._by_offset.began.get(key, 0),
        )


def _decoded(stored: bytes | None) -> Row | AuditFinding | None:
    try:
        return None if stored is None else decode_row(stored)
    except Fatal as error:
        return AuditFinding("state", str(error))


def _offset(case: Case) -> int:
    known = case.replayed or case.live
    return -1 if known is None else known.offset


def _chunks(keys: Iterable[bytes]) -> Iterator[list[bytes]]:
    left = iter(keys)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk
