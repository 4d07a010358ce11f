"""Lines of files as records that know where they are from."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Final

from agents.cli.bad_lines import BadLines
from agents.cli.event_files import NO_LINE, Line
from schemas.dialects import Decode, Decoded, Record
from streams.replay import FileRecord, TimedRecord
from streams.training.dated import counted_time_us

_LOGGED: Final = b"[tracking]"
"""In what Open edX's logger puts before an event: `… [tracking] [env:x] INFO [logger.py:41] - {"name": …}`."""


@dataclass(frozen=True, slots=True)
class LineRecord(FileRecord):
    """A record that knows its line."""

    line: Line = NO_LINE


def records_of_now(lines: Iterable[Line]) -> Iterator[LineRecord]:
    """The lines as records of this moment, from offset 0 on."""
    now_ms = time.time_ns() // 1_000_000
    for offset, line in enumerate(lines):
        yield LineRecord(offset, now_ms, _without_prefix(line.text), line=line)


def _without_prefix(text: bytes) -> bytes:
    """A line without what Open edX's logger put before the event."""
    prefix, brace, rest = text.partition(b"{")
    return brace + rest if _LOGGED in prefix else text


def in_order_of_time(records: Iterable[LineRecord], decode: Decode) -> Iterator[TimedRecord]:
    """All records, each as of its newest event, numbered anew; those that cannot be read come first."""
    timed = sorted(((_newest_us(record, decode), record) for record in records), key=itemgetter(0))
    for offset, (time_us, record) in enumerate(timed):
        yield TimedRecord(time_us, replace(record, offset=offset))


def _newest_us(record: LineRecord, decode: Decode) -> int:
    return max((counted_time_us(event, record) for event in decode(record).events), default=0)


def reporting(decode: Decode, bad: BadLines) -> Decode:
    """Decodes, and reports what cannot be read."""

    def decode_and_report(record: Record) -> Decoded:
        decoded = decode(record)
        for wrong in decoded.invalid:
            if isinstance(record, LineRecord):
                bad.note(record.line, wrong.reason, wrong.error)
        return decoded

    return decode_and_report
