"""Tasks as they are meant: what one event's task is called, and the names that one row keeps. By plain Python."""

import struct
from zlib import crc32

from schemas import event as e
from streams.rows.row import Row


def task_of(event: e.NativeEvent) -> int:
    """The code of the event's task; 0 for none, and for an item that is not known."""
    name = called(event)
    return crc32(name.encode()) or 1 if name else 0


def called(event: e.NativeEvent) -> str | None:
    """What the event calls its task."""
    if isinstance(event, e.Control):
        return event.task_id
    if isinstance(event, e.Media):
        return event.media_id
    name: str | None = getattr(event, "item_id", None)
    return None if name is None or name.startswith(e.NO_ITEM) else name


def keep(row: Row, event: e.NativeEvent) -> None:
    """Keep the names that evidence items refer to, this event's too, and no others."""
    names = unpacked(row.tasks)
    if code := task_of(event):
        names.setdefault(code, _cut(called(event) or ""))
    referred = {item.task for skill_state in row.skills.values() for item in skill_state.evidence_items}
    row.tasks = packed({code: names[code] for code in sorted(referred - {0})})


def unpacked(part: bytes) -> dict[int, bytes]:
    """The names in their part of a row, by code."""
    names: dict[int, bytes] = {}
    if part:
        [count] = struct.unpack_from("<Q", part)
        at = 8 + 8 * count
        for number in range(count):
            code, size = struct.unpack_from("<II", part, 8 + 8 * number)
            names[code] = part[at : at + size]
            at += -(-size // 8) * 8
    return names


def packed(names: dict[int, bytes]) -> bytes:
    """The reverse of `unpacked`."""
    if not names:
        return b""
    records = [struct.pack("<II", code, len(name)) for code, name in sorted(names.items())]
    padded = [name + bytes(-len(name) % 8) for _, name in sorted(names.items())]
    return b"".join((struct.pack("<Q", len(names)), *records, *padded))


def _cut(name: str) -> bytes:
    """At most 64 bytes, of whole characters: of an IRI the last, of anything else the first."""
    is_iri = "://" in name
    while len(name.encode()) > 64:
        name = name[1:] if is_iri else name[:-1]
    return name.encode()
