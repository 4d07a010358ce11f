"""Students who asked to be erased: what of their events may still be in the table.

When a request is carried out depends on how two topics were read, so there is no one right row. What is right: a
tombstone row, which holds nothing, and of whose later events none came after the request; or a row that holds exactly
the events from some place on, none of which came before the request.
"""

from collections import deque
from collections.abc import AsyncIterator, Collection, Sequence
from typing import Final

import msgspec

from schemas.dialects import Decode, Record, decode
from schemas.event import Attempt, Mark, Submission
from streams.norms.layout import item_code
from streams.rows.row import Pending, Row
from streams.verification.audit import AuditFinding, NotCompared, rows_differ
from streams.verification.refold import Refold

LAST_RECORDS: Final = 2_000
"""The last records of each such student; more is not judged."""

_TRIED: Final = 64


class ErasedStudents:
    """The last records of these `students`, in offset order; `items` are the codes of all that they worked on."""

    def __init__(self, students: Collection[bytes], decode: Decode = decode) -> None:
        self._students = frozenset(students)
        self._decode = decode
        self._records: dict[bytes, deque[Record]] = {}
        self.items: set[int] = set()

    def note(self, records: Sequence[Record]) -> None:
        """The next records of the partition."""
        for record in records if self._students else ():
            for event in self._decode(record).events:
                key = event.student_id.encode()
                if key in self._students:
                    last = self._records.setdefault(key, deque(maxlen=LAST_RECORDS))
                    if not last or last[-1] is not record:
                        last.append(record)
                    if isinstance(event, Attempt | Submission | Mark):
                        self.items.add(item_code(event.item_id))

    def contains(self, student: bytes) -> bool:
        """Whether this student asked."""
        return student in self._students

    async def compare(
        self, student: bytes, live: Row | None, requested_us: int, refold: Refold, *, history_gone: bool
    ) -> tuple[AuditFinding | NotCompared | None, Row | None]:
        """What is wrong with the `live` row; and the replayed row that it equals, None for a tombstone row or for none.

        `requested_us` is 0 where the time of the request is not known any more.
        """
        if live is None:
            return AuditFinding("lost", "asked to be erased, and even the tombstone row is missing"), None
        records = list(self._records.get(student, ()))
        if live.is_tombstone:
            return await self._check_tombstone(student, live, requested_us, records, refold), None
        if 0 < live.erased_us < requested_us:
            return AuditFinding("state", "its last request to be erased was not carried out"), None
        async for start in _starts(student, live, requested_us, records, refold):
            before = await refold.refold(student, Row(), records[:start])
            row = Row(epoch=live.epoch, origins=before.origins, erased_us=requested_us)
            row = await refold.refold(student, row, records[start:])
            row = msgspec.structs.replace(row, erased_us=live.erased_us)  # 0 in rows that came from version 1
            if rows_differ(_without_origins(live), _without_origins(row)) is None:
                return None, row
        if history_gone or len(records) == LAST_RECORDS:
            return NotCompared("had too many events around their erasure"), None
        what = f"asked to be erased; its row holds {live.events} events, and not the last ones that came after"
        return AuditFinding("state", what), None

    async def _check_tombstone(
        self, student: bytes, live: Row, requested_us: int, records: Sequence[Record], refold: Refold
    ) -> AuditFinding | None:
        tombstone = Row(epoch=live.epoch, offset=live.offset, origins=live.origins, erased_us=live.erased_us)
        if msgspec.structs.replace(live, pending=Pending()) != tombstone:
            return AuditFinding("state", "forgotten, yet its row is not empty")
        if live.erased_us < requested_us:
            return AuditFinding("state", "its last request to be erased was not carried out")
        after = [record for record in records if record.offset > live.offset]
        refolded = await refold.refold(student, tombstone, after)
        if refolded.events:
            return AuditFinding("lost", f"forgotten, and {refolded.events} events since then are not in its row")
        return None


async def _starts(
    student: bytes, live: Row, requested_us: int, records: Sequence[Record], refold: Refold
) -> AsyncIterator[int]:
    """Where among its records the row may begin, likeliest first."""
    after = [number for number, record in enumerate(records) if record.timestamp * 1000 > requested_us]
    if after:
        yield after[0]
    applied = await _applied(student, requested_us, records, refold)
    # Fewer events than those applied from its start on it cannot hold; more, if their repeats were erased before it.
    too_early = len(applied) - live.events - 1
    first = applied[too_early] + 1 if too_early >= 0 else 0
    for number in [number for number in after if number >= first][:_TRIED]:
        yield number


async def _applied(student: bytes, requested_us: int, records: Sequence[Record], refold: Refold) -> list[int]:
    """The numbers of the records that change the row, were they all folded."""
    row, folded_to, applied, segments = Row(erased_us=requested_us), -1, list[int](), dict[bytes, bytes]()
    for number, record in enumerate(records):
        row = await refold.refold(student, row, [record], segments)
        if row.offset != folded_to:
            applied.append(number)
            folded_to = row.offset
    return applied


def _without_origins(row: Row) -> Row:
    """They outlive a student's erasure: from before, they may be of any order."""
    return msgspec.structs.replace(row, origins={})
