"""Lines of files as records that know where they are from."""

from dataclasses import dataclass

from agents.cli.bad_lines import BadLines
from agents.cli.event_files import NO_LINE, Line
from schemas.dialects import Decode, Decoded, Record
from streams.replay import FileRecord


@dataclass(frozen=True, slots=True)
class LineRecord(FileRecord):
    """A record that knows its line."""

    line: Line = NO_LINE


def reporting(decode: Decode, bad: BadLines) -> Decode:
    """Decodes, and reports what cannot be read."""

    def decode_and_report(record: Record) -> Decoded:
        decoded = decode(record)
        for wrong in decoded.invalid:
            if isinstance(record, LineRecord):
                bad.note(record.line, wrong.reason, wrong.error)
        return decoded

    return decode_and_report
