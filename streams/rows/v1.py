"""Rows of version 1, as they are on the changelogs of earlier deployments: MessagePack arrays. Read, never written."""

from typing import Final

import msgspec
from msgspec import Struct

from streams.rows.row import RECENT_IDS, ControlUse, Pending, Row, SkillState, StoredEvidenceItem, Totals
from streams.vocabulary import INDEX, PHRASE_PREFIX, RUBRIC, RUBRIC_FACT, phrase_code, skill_code

FIRST_BYTES: Final = b"\xdc\x00\x10\x01"  # an array of sixteen, whose first is the version


class TotalsV1(Struct, array_like=True, frozen=True):
    """One fact's sums."""

    n: int
    total: float
    squares: float
    recent_n: float
    recent_total: float
    newest_s: int


class EvidenceItemV1(Struct, array_like=True, frozen=True):
    """`fact` is a fact's name, "rubric", or "~" and a phrase."""

    fact: str
    value: float
    time_s: int
    weight: int


class ControlUseV1(Struct, array_like=True, frozen=True):
    """One control's use."""

    alone: int
    isolated: int


class SkillStateV1(Struct, array_like=True, frozen=True):
    """One skill's own state, by its name."""

    text_n: float
    text_total: float
    text_newest_s: int
    rubric_n: float
    rubric_total: float
    rubric_newest_s: int
    score: float
    confidence: float
    explained: float
    evidence_items: list[EvidenceItemV1]


class PendingV1(Struct, array_like=True, frozen=True):
    """What reasoning is owed."""

    reasoned_epoch: int
    reasoned_offset: int
    value: float
    since_us: int
    attempts: int
    not_before_us: int


class RowV1(Struct, array_like=True, frozen=True):
    """The whole row."""

    version: int
    epoch: int
    offset: int
    reference_us: int
    first_us: int
    as_of_us: int
    events: int
    late: int
    facts: dict[int, TotalsV1]
    controls: dict[int, ControlUseV1]
    skills: dict[str, SkillStateV1]
    ids: bytes
    origins: dict[int, tuple[int, int]]
    open_failures: dict[int, int]
    pending: PendingV1
    erased_us: int


_decode: Final = msgspec.msgpack.Decoder(RowV1).decode
_UNCHANGED: Final = ("epoch", "offset", "reference_us", "first_us", "as_of_us", "events", "erased_us")


def row_of_v1(stored: bytes) -> Row:
    """The row as it is now. Raises MsgspecError, LookupError or ValueError for what was never a row."""
    first = _decode(stored)
    return Row(
        **{name: getattr(first, name) for name in (*_UNCHANGED, "ids", "origins", "open_failures")},
        facts={fact: Totals(**msgspec.structs.asdict(totals)) for fact, totals in first.facts.items()},
        controls={key: ControlUse(use.alone, use.isolated) for key, use in first.controls.items()},
        skills={skill_code(name): _skill_state_of_v1(skill_state) for name, skill_state in first.skills.items()},
        noted=first.events,
        partial=int(first.events > 0),
        newest_us=first.as_of_us,
        beyond_us=first.as_of_us if first.events > RECENT_IDS else 0,
        pending=Pending(**msgspec.structs.asdict(first.pending)),
    )


def _skill_state_of_v1(first: SkillStateV1) -> SkillState:
    items = [StoredEvidenceItem(_code(t.fact), t.value, t.time_s, t.weight) for t in first.evidence_items]
    return SkillState(**{**msgspec.structs.asdict(first), "evidence_items": items})


def _code(fact: str) -> int:
    if fact.startswith(PHRASE_PREFIX):
        return phrase_code(fact.removeprefix(PHRASE_PREFIX))
    return RUBRIC if fact == RUBRIC_FACT else INDEX[fact]
