"""Students whose events came with headers of ours that cannot be judged, for want of the keys that signed them."""

from collections.abc import Sequence

from schemas.dialects import Decode, Record
from streams.input.origin import origin_in
from streams.input.signature import Authentic
from streams.verification.slices import Slice


class StudentsOnTrust:
    """Of one slice. The headers were taken as genuine: were they forged, these students' rows are others.

    `records` counts all that were taken so. Headers without an origin change no row.
    """

    def __init__(self, students: Slice, decode: Decode, is_of_lacking_key: Authentic) -> None:
        self._slice = students
        self._decode = decode
        self._is_of_lacking_key = is_of_lacking_key
        self._students: set[bytes] = set()
        self.records = 0

    def note(self, records: Sequence[Record]) -> None:
        """The next records of the partition."""
        for record in records:
            if record.headers and origin_in(record.headers) is not None and self._is_of_lacking_key(record):
                self.records += 1
                students = {event.student_id.encode() for event in self._decode(record).events}
                self._students.update(filter(self._slice.contains, students))

    def contains(self, student: bytes) -> bool:
        """Whether what is known of this student rests on such headers."""
        return student in self._students
