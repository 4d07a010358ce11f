"""Lines of files as records that know where they are from."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from agents.cli.bad_lines import BadLines
from agents.cli.event_files import NO_LINE, Line
from schemas.dialects import Decode, Decoded, Record
from streams.replay import FileRecord


@dataclass(frozen=True, slots=True)
class LineRecord(FileRecord):
    """A record that knows its line."""

    line: Line = NO_LINE


def records_of_now(lines: Iterable[Line]) -> Iterator[LineRecord]:
    """The lines as records of this moment, from offset 0 on."""
    now_ms = time.time_ns() // 1_000_000
    for offset, line in enumerate(lines):
        yield LineRecord(offset, now_ms, line.text, line=line)


def reporting(decode: Decode, bad: BadLines) -> Decode:
    """Decodes, and reports what cannot be read."""

    def decode_and_report(record: Record) -> Decoded:
        decoded = decode(record)
        for wrong in decoded.invalid:
            if isinstance(record, LineRecord):
                bad.note(record.line, wrong.reason, wrong.error)
        return decoded

    return decode_and_report
