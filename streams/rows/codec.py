"""Rows as objects to bytes, and back from any version."""

import struct
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np
from msgspec import Struct

from streams.rows.beginnings import beginnings_of
from streams.rows.components import name_faults
from streams.rows.enrolment import enrolment_faults
from streams.rows.erasure import erasure_faults
from streams.rows.explanations import explanation_faults
from streams.rows.layout import (
    ERASED_VERSION,
    EVIDENCE_ITEM,
    EXTENSIONS,
    FACT,
    HEADER,
    HELD_ACT,
    MAX_FACTS,
    NEW_HEADER,
    NORMS,
    ROW_VERSION,
    SECTIONS,
    SEGMENT,
    SKILL_STATE,
    VOIDABLE,
    Array,
)
from streams.rows.row import ID_BYTES, MAX_SKILL_STATES, Pending, Row, SkillState, StoredEvidenceItem, Totals
from streams.rows.sections import (
    controls_of,
    controls_section,
    failures_of,
    failures_section,
    origins_of,
    origins_section,
)
from streams.rows.split import Split
from streams.rows.tasks import task_faults
from streams.rows.unreadable import unreadable
from streams.rows.v1 import FIRST_BYTES, row_of_v1
from streams.rows.v2 import VERSION_2, row_of_v2
from streams.rows.weeks import week_faults


def encode_row(row: Row) -> bytes:
    """Return the bytes kept in the table and its changelog, at most MAX_ROW_BYTES; equal rows, equal bytes."""
    facts = sorted(row.facts.items())
    skill_states = sorted(row.skills.items())[:MAX_SKILL_STATES]
    evidence_items = [evidence_item for _, skill_state in skill_states for evidence_item in skill_state.evidence_items]
    header = NEW_HEADER.copy()
    [header["version"]], [words] = beginnings_of(*([getattr(row, name)] for name in (*EXTENSIONS, NORMS)))
    header["skill_states"], header["evidence_items"] = len(skill_states), len(evidence_items)
    header["ids"], header["controls"] = len(row.ids) // ID_BYTES, len(row.controls)
    header["failures"], header["origins"] = len(row.open_failures), len(row.origins)
    header["voidable"] = len(row.voidable) // VOIDABLE.itemsize
    header["segments"] = len(row.segments) // SEGMENT.itemsize
    header["acts"] = len(row.acts) // HELD_ACT.itemsize
    header["facts"] = sum(1 << fact for fact, _ in facts)
    for name in _SCALARS:
        header[name] = getattr(row, name)
    for name in Pending.__struct_fields__:
        header[name] = getattr(row.pending, name)
    return b"".join(
        (
            header.tobytes(),
            _records(FACT, [_values(totals, FACT) for _, totals in facts]),
            _records(SKILL_STATE, [_skill_values(skill, skill_state) for skill, skill_state in skill_states]),
            _records(EVIDENCE_ITEM, [(t.code, t.time_s, t.value, t.weight, t.task) for t in evidence_items]),
            row.ids,
            controls_section(row.controls),
            failures_section(row.open_failures),
            origins_section(row.origins),
            row.voidable,
            row.segments,
            row.acts,
            words,
            *(getattr(row, name) for name in EXTENSIONS),
        )
    )


def decode_row(stored: bytes) -> Row:
    """Return the row that `stored` holds, of any version.

    Raises Fatal for a row of a newer version or one that cannot be read: to go on would overwrite it.
    """
    split = split_rows([stored])
    header = split.headers[0]
    sections = {name: split.sections[name][0] for name in (*SECTIONS, *EXTENSIONS, NORMS)}
    if fault := (
        name_faults(sections["components"])
        or explanation_faults(sections["explanations"])
        or task_faults(sections["tasks"])
        or enrolment_faults(sections["enrolment"])
        or week_faults(sections["weeks"])
        or erasure_faults(sections["erasure"])
    ):
        raise unreadable(fault)
    [version], _ = beginnings_of(*([sections[name]] for name in (*EXTENSIONS, NORMS)))
    if version != header["version"]:
        raise unreadable(f"it has version {header['version']} and parts of version {version}")
    skill_states = {int(skill_state["skill"]): _skill_state(skill_state) for skill_state in split.skill_states}
    if len(skill_states) != len(split.skill_states):
        raise unreadable("two states of one skill")
    evidence_items = iter(
        [StoredEvidenceItem(*values) for values in split.evidence_items[_EVIDENCE_ITEM_ORDER].tolist()]
    )
    for skill_state, count in zip(skill_states.values(), split.skill_states["evidence_items"].tolist(), strict=True):
        skill_state.evidence_items = [next(evidence_items) for _ in range(count)]
    return Row(
        **{name: header[name].item() for name in _SCALARS},
        pending=pending_of(header),
        facts={
            fact: Totals(*values)
            for fact, values in zip(
                split.fact_indices(MAX_FACTS).tolist(), split.facts[_FACT_ORDER].tolist(), strict=True
            )
        },
        skills=skill_states,
        ids=sections["ids"],
        controls=controls_of(sections["controls"]),
        open_failures=failures_of(sections["failures"]),
        origins=origins_of(sections["origins"]),
        voidable=sections["voidable"],
        segments=sections["segments"],
        acts=sections["acts"],
        components=sections["components"],
        explanations=sections["explanations"],
        tasks=sections["tasks"],
        enrolment=sections["enrolment"],
        weeks=sections["weeks"],
        erasure=sections["erasure"],
        norms=sections[NORMS],
    )


def split_rows(stored: Sequence[bytes]) -> Split:
    """Rows of any version, taken apart. Raises Fatal as `decode_row` does."""
    try:
        return Split(stored)
    except ValueError as error:
        if _VERSIONS.issuperset(row[:1] for row in stored):
            raise unreadable(str(error)) from None
    try:
        return Split([row if row[:1] in _VERSIONS else _upcast(row) for row in stored])
    except ValueError as error:
        raise unreadable(str(error)) from None


def row_headers(stored: Sequence[bytes]) -> Array:
    """Only the headers of rows of any version (see `streams.rows.layout`). Raises Fatal as `decode_row` does."""
    beginnings = b"".join([row[: HEADER.itemsize] for row in stored])
    if len(beginnings) == len(stored) * HEADER.itemsize:
        headers = np.frombuffer(beginnings, HEADER)
        if (headers["version"] - np.uint8(ROW_VERSION) <= ERASED_VERSION - ROW_VERSION).all():
            return headers
    return split_rows(stored).headers


def pending_of(header: Any) -> Pending:
    """The pending work in a row's header."""
    return Pending(**{name: header[name].item() for name in Pending.__struct_fields__})


def _upcast(stored: bytes) -> bytes:
    if stored[:1] == _VERSION_3:
        return (
            _VERSION + stored[1:_HEADER_3_BYTES] + bytes(HEADER.itemsize - _HEADER_3_BYTES) + stored[_HEADER_3_BYTES:]
        )
    if stored[:1] != VERSION_2 and not stored.startswith(FIRST_BYTES):
        if not stored or stored[0] >= 0x80:
            raise unreadable("it begins with no version")
        raise unreadable(f"it has version {stored[0]}; this program reads versions 1 to {ERASED_VERSION}")
    try:
        return row_of_v2(stored) if stored[:1] == VERSION_2 else encode_row(row_of_v1(stored))
    except (msgspec.MsgspecError, LookupError, ArithmeticError, ValueError, struct.error) as error:
        raise unreadable(str(error)) from None


KNOWN: Final = ("noted", "partial", "newest_us", "beyond_us", "far_times")
_VERSION: Final = bytes([ROW_VERSION])
_VERSIONS: Final = frozenset(map(bytes, ([version] for version in range(ROW_VERSION, ERASED_VERSION + 1))))
_VERSION_3: Final = b"\x03"  # as now, without acts and far times
_HEADER_3_BYTES: Final = HEADER.itemsize - 8
_SCALARS: Final = ("epoch", "offset", "reference_us", "first_us", "as_of_us", "events", "erased_us", *KNOWN)
_FACT_ORDER: Final = list(Totals.__struct_fields__)
_EVIDENCE_ITEM_ORDER: Final = list(StoredEvidenceItem.__struct_fields__)


def _records(kind: "np.dtype[Any]", values: Sequence[tuple[Any, ...]]) -> bytes:
    return np.array(values, kind).tobytes() if values else b""


def _values(totals: Struct, kind: "np.dtype[Any]") -> tuple[Any, ...]:
    return tuple(getattr(totals, name) for name in kind.names or ())


def _skill_values(skill: int, skill_state: SkillState) -> tuple[Any, ...]:
    return tuple(
        skill
        if name == "skill"
        else len(skill_state.evidence_items)
        if name == "evidence_items"
        else getattr(skill_state, name)
        for name in SKILL_STATE.names or ()
    )


def _skill_state(record: Array) -> SkillState:
    return SkillState(
        **{name: record[name].item() for name in SKILL_STATE.names or () if name not in ("skill", "evidence_items")}
    )
