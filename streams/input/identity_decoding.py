"""Decoding where students have other ids: an event counts for the student whose id it is, from stated offsets on.

record ──► decoded ──► sent on by a worker? ──yes──► as it is: whoever sent it knew the student
                        └─ no ──► each event's student by the starts that are stated ──► events
                                   └─ another one by now ──► missing: to be stated before the events are folded
"""

from collections.abc import Callable
from typing import Final

import msgspec

from schemas.dialects import Decode, Decoded, Record
from streams.input.identity_starts import IdentityStart, StartLog
from streams.input.origin import origin_in
from streams.input.signature import Authentic

KnownStudent = Callable[[str], str | None]
"""The student whose id it is by now: maybe that id itself. None where that is not known."""


class StartedAnew(Exception):
    """Starts of other ids within a batch are stated, and that is confirmed: the batch is to be processed again."""


def nobody_known(_other: str) -> None:
    """A KnownStudent of whoever follows what is stated, and states nothing."""


class IdentityDecoding:
    """Decodes by `starts`, which may be replaced between two batches. It is a Decode.

    `news_from` are the first offsets, by partition, from which on this process may state starts; `missing` are those
    that it has to.
    """

    def __init__(self, decode: Decode, authentic: Authentic, known_student: KnownStudent = nobody_known) -> None:
        self.starts = StartLog()
        self.news_from: dict[int, int] = {}
        self.missing: dict[tuple[int, str], IdentityStart] = {}
        self._decode, self._authentic, self._known_student = decode, authentic, known_student

    def __call__(self, record: Record) -> Decoded:
        """See Decode."""
        decoded = self._decode(record)
        if not decoded.events or self._is_sent_on(record):
            return decoded
        students = [self._student(record, event.student_id) for event in decoded.events]
        pairs = list(zip(decoded.events, students, strict=True))
        if all(event.student_id == student for event, student in pairs):
            return decoded
        events = [msgspec.structs.replace(event, student_id=student) for event, student in pairs]
        return msgspec.structs.replace(decoded, events=events)

    def _student(self, record: Record, other: str) -> str:
        stated = self.starts.student_at(record.partition, record.offset, other)
        if record.offset >= self.news_from.get(record.partition, _NEVER):
            known = self._known_student(other)
            if known is not None and known != stated:
                start = IdentityStart(record.partition, record.offset, other, known)
                self.missing.setdefault((record.partition, other), start)
        return stated

    def _is_sent_on(self, record: Record) -> bool:
        return bool(record.headers) and origin_in(record.headers) is not None and self._authentic(record)


_NEVER: Final = 1 << 63
