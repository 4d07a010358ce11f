"""Dead letters as people and scripts see them. What others wrote is escaped: it must not act on the terminal."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.table import Table
from rich.text import Text

from agents.display.plain import printable
from agents.operations.dead_letters.stored import StoredDeadLetter
from schemas.dead_letter import DeadLetter
from schemas.dead_letter_redaction import read_hashes

MAX_SHOWN_BYTES: Final = 16 * 1024
_MAX_HEADER_CHARS: Final = 300
_MAX_PARTS_CHARS: Final = 20
_DUMP_WIDTH: Final = 16


def time_of(milliseconds: int) -> str:
    """UTC, to the second; what is no time at all, as it is."""
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(milliseconds)


def as_json(stored: StoredDeadLetter) -> dict[str, Any]:
    """One dead letter for `list --json`; what is unknown is null."""
    dead_letter = stored.dead_letter
    return {
        "place": stored.location,
        "time": time_of(stored.written_ms),
        "reason": stored.reason,
        "error": dead_letter and dead_letter.error,
        "schema_guess": dead_letter and dead_letter.schema_guess,
        "topic": dead_letter and dead_letter.topic,
        "partition": dead_letter and dead_letter.partition,
        "offset": dead_letter and dead_letter.offset,
        "index": dead_letter and dead_letter.index,
        "parts": dead_letter and dead_letter.parts,
        "record_time": dead_letter and time_of(dead_letter.timestamp),
        "size_bytes": stored.size_bytes,
        "redacted": stored.is_redacted,
        "cut_bytes": dead_letter and dead_letter.cut_bytes,
        "headers_left_out": dead_letter and dead_letter.headers_left_out,
    }


def one_line(stored: StoredDeadLetter) -> str:
    """`as_json` in ASCII, so that it is as harmless on a terminal as it is exact for a script."""
    return json.dumps(as_json(stored), separators=(",", ":")).replace("\x7f", "\\u007f")


def table_of(dead_letters: list[StoredDeadLetter]) -> Table:
    """Rows for `list`."""
    table = Table("letter", "from", "time", "reason", "error", "schema", "bytes", box=None, pad_edge=False)
    table.columns[-1].justify = "right"
    for column in table.columns:
        column.overflow = "fold"
    for stored in dead_letters:
        dead_letter = stored.dead_letter
        index = f"[{_named(dead_letter)}]" if dead_letter and dead_letter.parts else ""
        cells = (
            stored.location,
            stored.source + index,
            time_of(stored.written_ms),
            stored.reason,
            _error(dead_letter),
            dead_letter.schema_guess if dead_letter else "",
            str(stored.size_bytes),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _error(dead_letter: DeadLetter | None) -> str:
    if dead_letter is None:
        return ""
    return f"{dead_letter.error} (redacted)" if dead_letter.redacted else dead_letter.error


def _named(dead_letter: DeadLetter) -> str:
    return (
        dead_letter.parts if len(dead_letter.parts) <= _MAX_PARTS_CHARS else f"{dead_letter.parts[:_MAX_PARTS_CHARS]}…"
    )


def page_of(stored: StoredDeadLetter) -> str:
    """Everything of one dead letter, for `show`."""
    lines = [f"dead letter {stored.location}, written {time_of(stored.written_ms)}", "", "headers"]
    lines += [f"  {printable(name)}: {_short(value)}" for name, value in stored.headers]
    if stored.is_redacted:
        return "\n".join([*lines, "", *_redacted(stored.key, stored.value)])
    part = _part(stored)
    where = "" if part is None or stored.dead_letter is None else f"; its part {stored.dead_letter.index}"
    lines += ["", f"key, {_size(stored.key)}", *_shown(stored.key), "", f"value, {_size(stored.value)}{where}"]
    return "\n".join([*lines, *_shown(stored.value if part is None else part)])


def _redacted(key: bytes | None, value: bytes | None) -> list[str]:
    """In the place of what was redacted when the dead letter was written."""
    lines = ["redacted: of key, value and headers nothing is left but keyed hashes; it cannot be sent back"]
    for name, found in zip(("key", "value"), read_hashes(key, value), strict=True):
        said = "null" if found is None else f"{found.size_bytes} bytes, hash {found.mac.decode()}"
        lines.append(f"{name}, {said}")
    return lines


def _part(stored: StoredDeadLetter) -> bytes | None:
    """The first part of the value that the dead letter is about, as JSON; None where it is about all, or can't be
    found.
    """
    if stored.dead_letter is None or not stored.dead_letter.parts:
        return None
    try:
        found = orjson.loads(stored.value or b"")
        while isinstance(found, dict):  # a CloudEvent, an envelope of Caliper's
            found = found["data"]
        return orjson.dumps(found[stored.dead_letter.index])
    except (orjson.JSONDecodeError, orjson.JSONEncodeError, LookupError, TypeError):
        return None


def _size(content: bytes | None) -> str:
    return "null" if content is None else f"{len(content)} bytes"


def _short(value: bytes | None) -> str:
    if value is None:
        return "null"
    text = _text(value)
    shown = repr(value) if text is None else printable(text)
    return shown if len(shown) <= _MAX_HEADER_CHARS else f"{shown[:_MAX_HEADER_CHARS]}…"


def _shown(content: bytes | None) -> list[str]:
    """JSON, indented; one line of plain text as it is; else a dump in hexadecimal. Long ones from their beginning."""
    if not content:
        return []
    lines = _pretty(content) or _plain(content) or _dump(content[:MAX_SHOWN_BYTES])
    shown: list[str] = []
    room = 4 * MAX_SHOWN_BYTES
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            return [*shown, "  … and more: --raw writes all of it"]
        shown.append(f"  {printable(line)}")
    if lines[0].startswith("00000000  ") and len(content) > MAX_SHOWN_BYTES:
        shown.append(f"  … and {len(content) - MAX_SHOWN_BYTES} more bytes: --raw writes all of them")
    return shown


def _pretty(content: bytes) -> list[str] | None:
    try:
        return orjson.dumps(orjson.loads(content), option=orjson.OPT_INDENT_2).decode().splitlines()
    except (orjson.JSONDecodeError, orjson.JSONEncodeError):
        return None


def _plain(content: bytes) -> list[str] | None:
    text = _text(content)
    return [text] if text is not None and text.isprintable() and len(text) <= _MAX_HEADER_CHARS else None


def _dump(content: bytes) -> list[str]:
    rows = (content[start : start + _DUMP_WIDTH] for start in range(0, len(content), _DUMP_WIDTH))
    return [
        f"{number * _DUMP_WIDTH:08x}  {row.hex(' '):<{3 * _DUMP_WIDTH}} "
        + "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        for number, row in enumerate(rows)
    ]


def _text(content: bytes) -> str | None:
    try:
        return content.decode()
    except UnicodeDecodeError:
        return None
