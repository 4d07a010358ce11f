"""Students whose erasure ends at offsets: there is one right row, whatever was read when. It is folded beside the
others, onto the tombstone row, from the events that count.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from schemas.dialects import Decode, Record
from streams.rows.erasure import RowErasure, erasure_of
from streams.rows.row import Row
from streams.verification.audit import AuditFinding
from streams.verification.refold import Refold


class ErasedByOffset:
    """Of these `live` rows, each with an erasure. Its ends are taken from them, and compared with what was accepted.

    `began` has the offset of the first event that counts of each student who came back.
    """

    def __init__(self, live: Mapping[bytes, Row], decode: Decode) -> None:
        self._live = live
        self._decode = decode
        self.rows = {
            key: Row(epoch=row.epoch, erased_us=row.erased_us, erasure=row.erasure) for key, row in live.items()
        }
        self.segments: dict[bytes, dict[bytes, bytes]] = {key: {} for key in live}
        self.began: dict[bytes, int] = {}

    async def fold(self, records: Sequence[Record], refold: Refold) -> None:
        """The next records of the partition, up to the cut."""
        for key, some in self._by_student(records).items():
            await self._fold(key, some, refold)

    async def follow(self, records: Sequence[Record], refold: Refold) -> None:
        """The next ones, from the cut on: for students whose row is further."""
        for key, some in self._by_student(records).items():
            ahead = [record for record in some if record.offset <= self._live[key].offset]
            if ahead:
                await self._fold(key, ahead, refold)

    async def _fold(self, key: bytes, records: Sequence[Record], refold: Refold) -> None:
        before = self.rows[key]
        self.rows[key] = await refold.refold(key, before, records, self.segments[key])
        if key not in self.began and self.rows[key].offset >= 0:
            self.began[key] = await _first_that_counts(key, before, records, refold)

    def _by_student(self, records: Sequence[Record]) -> Mapping[bytes, list[Record]]:
        found = defaultdict[bytes, list[Record]](list)
        for record in records if self._live else ():
            for key in {event.student_id.encode() for event in self._decode(record).events} & self._live.keys():
                found[key].append(record)
        return found


async def _first_that_counts(key: bytes, row: Row, records: Sequence[Record], refold: Refold) -> int:
    """The offset of the first of the records that changes the row."""
    left = iter(records)
    while row.offset < 0:
        row = await refold.refold(key, row, [next(left)])
    return row.offset


def acceptance_differs(live: Row, accepted: RowErasure | None) -> AuditFinding | None:
    """What is wrong with the erasure in a row; `accepted` is what the topic still says, None for nothing."""
    if accepted is None or (known := erasure_of(live.erasure)) == accepted:
        return None
    if not known.covers(accepted):
        return AuditFinding("state", "its last request to be erased was not carried out")
    return AuditFinding("state", "more of it is erased than was accepted")
