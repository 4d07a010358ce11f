"""When each skill of a row was last explained, and what had been counted then: so what changed since can be told.

    skill, seconds, counts, 0 (4 bytes each) | fact, n (4 each), total (8) | … | the next skill

Skills are in the order of their codes, and facts of their indices, so that equal rows have equal bytes. Kept are the
facts that the skill's indicators read, of which there was one at least: their number, and the sum of their values. A
row of which nothing was explained has no such part.
"""

import struct
from collections.abc import Mapping
from typing import Final, NamedTuple

from streams.rows.row import MAX_EXPLAINED_FACTS, MAX_SKILL_STATES

_SKILL: Final = struct.Struct("<III4x")
_COUNT: Final = struct.Struct("<IId")

FactCounts = Mapping[int, tuple[int, float]]
"""By fact: how many there were, and the sum of their values."""


class LastExplanation(NamedTuple):
    """Of one skill: the student's newest event, in seconds, as of which it was explained, and the counts then."""

    as_of_s: int
    counts: FactCounts


def explanations_of(section: bytes) -> dict[int, LastExplanation]:
    """The explanations in their part of a row, by `skill_code`. Raises ValueError for what is no such part."""
    found: dict[int, LastExplanation] = {}
    at = 0
    try:
        while at < len(section):
            skill, as_of_s, count = _SKILL.unpack_from(section, at)
            at += _SKILL.size
            rows = [_COUNT.unpack_from(section, at + number * _COUNT.size) for number in range(count)]
            at += count * _COUNT.size
            found[skill] = LastExplanation(as_of_s, {fact: (n, total) for fact, n, total in rows})
    except struct.error:
        raise ValueError("explanations that are cut off") from None
    return found


def explanations_section(explanations: Mapping[int, LastExplanation]) -> bytes:
    """The reverse of `explanations_of`. Of more than MAX_SKILL_STATES skills those go that were explained first, and
    one of more than MAX_EXPLAINED_FACTS facts is left out.
    """
    fitting = [skill for skill, each in explanations.items() if len(each.counts) <= MAX_EXPLAINED_FACTS]
    newest = sorted(fitting, key=lambda skill: (-explanations[skill].as_of_s, skill))[:MAX_SKILL_STATES]
    pieces: list[bytes] = []
    for skill in sorted(newest):
        as_of_s, counts = explanations[skill]
        pieces.append(_SKILL.pack(skill, as_of_s, len(counts)))
        pieces += [_COUNT.pack(fact, *counts[fact]) for fact in sorted(counts)]
    return b"".join(pieces)


def explanation_faults(section: bytes) -> str:
    """What is wrong with a part of a row; nothing: an empty text."""
    try:
        whole = explanations_section(explanations_of(section)) == section
    except ValueError as error:
        return str(error)
    return "" if whole else "explanations in another order, or more of them than a row has"
