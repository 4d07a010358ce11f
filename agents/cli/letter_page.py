"""Dead letters as people and scripts see them. What others wrote is escaped: it must not act on the terminal."""

import json
from datetime import UTC, datetime
from typing import Any, Final

import orjson
from rich.table import Table
from rich.text import Text

from agents.display.plain import printable
from agents.operations.dead_letters.letter import StoredLetter
from schemas.dead_letter import DeadLetter

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


def as_json(stored: StoredLetter) -> dict[str, Any]:
    """One letter for `list --json`; what is unknown is null."""
    letter = stored.letter
    return {
        "place": stored.place,
        "time": time_of(stored.written_ms),
        "reason": stored.reason,
        "error": letter and letter.error,
        "schema_guess": letter and letter.schema_guess,
        "topic": letter and letter.topic,
        "partition": letter and letter.partition,
        "offset": letter and letter.offset,
        "index": letter and letter.index,
        "parts": letter and letter.parts,
        "record_time": letter and time_of(letter.timestamp),
        "size_bytes": stored.size_bytes,
        "cut_bytes": letter and letter.cut_bytes,
        "headers_left_out": letter and letter.headers_left_out,
    }


def one_line(stored: StoredLetter) -> str:
    """`as_json` in ASCII, so that it is as harmless on a terminal as it is exact for a script."""
    return json.dumps(as_json(stored), separators=(",", ":")).replace("\x7f", "\\u007f")


def table_of(letters: list[StoredLetter]) -> Table:
    """Rows for `list`."""
    table = Table("letter", "from", "time", "reason", "error", "schema", "bytes", box=None, pad_edge=False)
    table.columns[-1].justify = "right"
    for column in table.columns:
        column.overflow = "fold"
    for stored in letters:
        letter = stored.letter
        index = f"[{_named(letter)}]" if letter and letter.parts else ""
        cells = (
            stored.place,
            stored.source + index,
            time_of(stored.written_ms),
            stored.reason,
            letter.error if letter else "",
            letter.schema_guess if letter else "",
            str(stored.size_bytes),
        )
        table.add_row(*(Text(printable(cell)) for cell in cells))
    return table


def _named(letter: DeadLetter) -> str:
    return letter.parts if len(letter.parts) <= _MAX_PARTS_CHARS else f"{letter.parts[:_MAX_PARTS_CHARS]}…"


def page_of(stored: StoredLetter) -> str:
    """Everything of one letter, for `show`."""
    lines = [f"dead letter {stored.place}, written {time_of(stored.written_ms)}", "", "headers"]
    lines += [f"  {printable(name)}: {_short(value)}" for name, value in stored.headers]
    part = _part(stored)
    where = "" if part is None or stored.letter is None else f"; its part {stored.letter.index}"
    lines += ["", f"key, {_size(stored.key)}", *_shown(stored.key), "", f"value, {_size(stored.value)}{where}"]
    return "\n".join([*lines, *_shown(stored.value if part is None else part)])


def _part(stored: StoredLetter) -> bytes | None:
    """The first part of the value that the letter is about, as JSON; None where it is about all, or can't be found."""
    if stored.letter is None or not stored.letter.parts:
        return None
    try:
        found = orjson.loads(stored.value or b"")
        while isinstance(found, dict):  # a CloudEvent, an envelope of Caliper's
            found = found["data"]
        return orjson.dumps(found[stored.letter.index])
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
