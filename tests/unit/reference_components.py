"""Components as they are meant: one answer into one row, by plain Python. What folding must equal, to the bit."""

import struct
from dataclasses import dataclass
from zlib import crc32

from schemas.event import Attempt
from streams.rows.row import Row
from tests.unit.reference_facts import passed


@dataclass(slots=True)
class Held:
    """What a row has of one component."""

    name: bytes
    newest_s: int = 0
    wins: int = 0
    fails: int = 0
    recent_wins: float = 0.0
    recent_fails: float = 0.0


def answer(row: Row, attempt: Attempt, time_s: int, factor: float, most: int) -> int:
    """Count an attempt as the answer that it is, or not; return how many components went for want of room."""
    if attempt.attempt != 1 or (attempt.duration_s is not None and attempt.duration_s < 2):
        return 0
    held, given_up, seen = unpacked(row.components), 0, set()
    for name in (each.encode() for each in attempt.kcs or ()):
        code = crc32(name)
        if code in seen:
            continue
        seen.add(code)
        is_new = code not in held
        one = held.setdefault(code, Held(name))
        one.newest_s = max(one.newest_s, time_s)
        if passed(attempt) and not attempt.hints:
            one.wins += 1
            one.recent_wins += factor
        else:
            one.fails += 1
            one.recent_fails += factor
        while is_new and len(held) > most:
            del held[min(held, key=lambda each: (held[each].newest_s, each))]
            given_up += 1
    row.components = packed(held)
    return given_up


def rebase(row: Row, factor: float) -> None:
    """Carry decayed sums to another reference time."""
    held = unpacked(row.components)
    for one in held.values():
        one.recent_wins *= factor
        one.recent_fails *= factor
    row.components = packed(held)


def unpacked(part: bytes) -> dict[int, Held]:
    """The components in their part of a row."""
    if not part:
        return {}
    count, _ = struct.unpack_from("<II", part)
    lengths = struct.unpack_from(f"<{count}H", part, 8 + 32 * count)
    at, held = 8 + 34 * count, {}
    for number, length in enumerate(lengths):
        code, newest_s, wins, fails, recent_wins, recent_fails = struct.unpack_from("<IIIIdd", part, 8 + 32 * number)
        held[code] = Held(part[at : at + length], newest_s, wins, fails, recent_wins, recent_fails)
        at += length
    return held


def packed(held: dict[int, Held]) -> bytes:
    """The reverse of `unpacked`."""
    if not held:
        return b""
    codes = sorted(held)
    records = [
        struct.pack("<IIIIdd", code, one.newest_s, one.wins, one.fails, one.recent_wins, one.recent_fails)
        for code, one in ((code, held[code]) for code in codes)
    ]
    lengths = [struct.pack("<H", len(held[code].name)) for code in codes]
    names = [held[code].name for code in codes]
    part = b"".join((struct.pack("<II", len(codes), len(b"".join(names))), *records, *lengths, *names))
    return part + bytes(-len(part) % 8)
