"""Live equals replayed: what must be equal between a worker's row and the same student's row folded offline.

Statistics, repeats and offsets compare exactly, scores to 1e-9. Pending work is not compared: it depends on the clock
and on what a model's provider did.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import msgspec

from streams.folding.voidable import without_first_answers
from streams.rows.codec import KNOWN, decode_row
from streams.rows.enrolment import enrolment_of
from streams.rows.row import Pending, Row, SkillState
from streams.rows.table import PartitionedRows
from streams.rows.tasks import NO_TASK, tasks_of

SCORE_TOLERANCE: Final = 1e-9

DifferenceKind = Literal["lost", "double_applied", "stale_row", "update", "reasoning", "dead_letter", "state", "norms"]
RowPosition = tuple[int, int]
"""How far a student is folded: (epoch, offset)."""


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """What is wrong with one student or record, by kind and in words."""

    kind: DifferenceKind
    what: str


@dataclass(frozen=True, slots=True)
class NotCompared:
    """Neither right nor wrong: what would decide it is not there any more, or not yet. `why` is countable."""

    why: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A finding, where it is: `offset` is of the input topic, -1 where none is known; `student` "" for no student."""

    kind: DifferenceKind
    student: str
    partition: int
    offset: int
    what: str


def compare(live: PartitionedRows, replayed: PartitionedRows) -> Iterator[Difference]:
    """Every difference between two tables whose rows have scores; none if the worker's state is exact."""
    for partition in sorted(live.partitions() | replayed.partitions()):
        ours, theirs = dict(live.items(partition)), dict(replayed.items(partition))
        for key in sorted(ours.keys() | theirs.keys()):
            row, other = _decoded(ours.get(key)), _decoded(theirs.get(key))
            found = rows_differ(row, other)
            if found is None and row is not None and other is not None:
                found = _segments_differ(live, replayed, partition, key) or row_scores_differ(row, other)
            if isinstance(found, AuditFinding):
                known = other or row
                offset = -1 if known is None else known.offset
                yield Difference(found.kind, key.decode("utf-8", "replace"), partition, offset, found.what)


def position(row: Row) -> RowPosition:
    """How far `row` is folded."""
    return row.epoch, row.offset


def rows_differ(
    live: Row | None, replayed: Row | None, *, history_gone: bool = False
) -> AuditFinding | NotCompared | None:
    """What differs in the statistics, None if nothing does.

    With `history_gone` the replay did not see all that the row was made of: what that can explain is not compared.
    """
    if live is None:
        return None if replayed is None else AuditFinding("lost", "missing in the table")
    if replayed is None:
        return _gone() if history_gone else AuditFinding("state", "in the table, but no event of the topic made it")
    counted = (
        f"{live.events} events up to {_position_of(live)}, the replay {replayed.events} up to {_position_of(replayed)}"
    )
    if position(live) < position(replayed):
        return AuditFinding("lost", f"the row is behind: it holds {counted}")
    if live.events < replayed.events:
        return AuditFinding("lost", f"the row lacks events: it holds {counted}")
    if live.events > replayed.events:
        return _gone() if history_gone else AuditFinding("double_applied", f"the row holds too much: {counted}")
    found = _contents_differ(live, replayed, counted)
    return _gone() if found is not None and history_gone else found


def row_scores_differ(live: Row, replayed: Row) -> AuditFinding | None:
    """Whether a score that the replay gave differs from the row's by more than SCORE_TOLERANCE."""
    unequal = unequal_scores(live, replayed)
    return score_differs(*next(iter(unequal.items()))) if unequal else None


def score_differs(code: int, apart: float) -> AuditFinding:
    """That a row's score of a skill is off by so much."""
    return AuditFinding("state", f"the row's score or confidence of the skill {code:08x} differs by {apart:.3g}")


def unequal_scores(live: Row, replayed: Row) -> dict[int, float]:
    """How far apart the scores of the skills are that the replay gave another score, by their codes."""
    unequal: dict[int, float] = {}
    for name, skill_state in replayed.skills.items():
        if skill_state.score >= 0:  # else it was not scored
            other = live.skills.get(name) or SkillState()
            apart = max(abs(skill_state.score - other.score), abs(skill_state.confidence - other.confidence))
            if not apart <= SCORE_TOLERANCE:
                unequal[name] = apart
    return unequal


def _contents_differ(live: Row, replayed: Row, counted: str) -> AuditFinding | None:
    if position(live) != position(replayed):
        return AuditFinding("state", f"the row is ahead of all that the topic holds for it: {counted}")
    facts = live.facts.keys() | replayed.facts.keys()
    apart = {_times(live, fact) - _times(replayed, fact) for fact in facts} - {0}
    if apart:
        kind: DifferenceKind = "double_applied" if min(apart) > 0 else "lost" if max(apart) < 0 else "state"
        return AuditFinding(kind, f"the row counts its {live.events} events' facts differently than the replay does")
    ours, theirs = _comparable(live), _comparable(replayed)
    if (found := _known_ids_differ(live, replayed)) is not None:
        return found
    if live.partial:  # its version took any origin for ours
        live = msgspec.structs.replace(live, origins=replayed.origins)
    unequal = [name for name in ours.__struct_fields__ if getattr(ours, name) != getattr(theirs, name)]
    if unequal:
        return AuditFinding("state", f"{', '.join(unequal)} differ from the replay's")
    return _enrolments_differ(live, replayed) or _tasks_differ(live, replayed)


def _segments_differ(
    live: PartitionedRows, replayed: PartitionedRows, partition: int, student: bytes
) -> AuditFinding | None:
    ours, theirs = (
        {key: rows.get(partition, key) for key in rows.segments(partition, student)} for rows in (live, replayed)
    )
    return None if ours == theirs else AuditFinding("state", "segments of its known ids differ from the replay's")


def _times(row: Row, fact: int) -> int:
    totals = row.facts.get(fact)
    return 0 if totals is None else totals.n


def _comparable(row: Row) -> Row:
    """The row without scores and ids, which are compared apart, without what belongs to reasoning, and without the
    first answers that can be taken back: a row of before has none.
    """
    skill_states = {name: _without_scores(skill_state) for name, skill_state in row.skills.items()}
    not_empty = {name: skill_state for name, skill_state in skill_states.items() if skill_state != _NO_SKILL_STATE}
    unknown = {**dict.fromkeys(KNOWN, 0), **dict.fromkeys(_COMPARED_APART, b"")}
    voidable = without_first_answers(row.voidable)
    return msgspec.structs.replace(row, pending=Pending(), skills=not_empty, voidable=voidable, **unknown)


def _known_ids_differ(live: Row, replayed: Row) -> AuditFinding | None:
    """A row of a former version lacks what the replay has; other settings keep more segments or fewer."""
    if live.partial:
        return None
    unequal = [name for name in ("ids", "noted", "newest_us") if getattr(live, name) != getattr(replayed, name)]
    if len(live.segments) == len(replayed.segments):
        unequal += [name for name in ("segments", "beyond_us") if getattr(live, name) != getattr(replayed, name)]
    elif not (live.segments.endswith(replayed.segments) or replayed.segments.endswith(live.segments)):
        unequal.append("segments")
    return AuditFinding("state", f"its known {', '.join(unequal)} differ from the replay's") if unequal else None


def _without_scores(skill_state: SkillState) -> SkillState:
    items = [msgspec.structs.replace(item, task=NO_TASK) for item in skill_state.evidence_items]
    return msgspec.structs.replace(skill_state, score=-1.0, confidence=0.0, explained=-1.0, evidence_items=items)


def _enrolments_differ(live: Row, replayed: Row) -> AuditFinding | None:
    """A former version noted none, so what the live row lacks is not compared."""
    pairs = zip(enrolment_of(live.enrolment), enrolment_of(replayed.enrolment), strict=True)
    if any(ours not in (None, theirs) for ours, theirs in pairs):
        return AuditFinding("state", "its course, class, school or source differ from the replay's")
    return None


def _tasks_differ(live: Row, replayed: Row) -> AuditFinding | None:
    """Items that a former version kept have no task; any other has the one that the replay has, and its name."""
    for code, skill_state in live.skills.items():
        theirs = replayed.skills[code].evidence_items if code in replayed.skills else []
        for item, other in zip(skill_state.evidence_items, theirs, strict=False):
            if item.task not in (NO_TASK, other.task):
                return AuditFinding("state", "the tasks of its evidence items differ from the replay's")
    names = tasks_of(replayed.tasks)
    if any(names.get(code) != name for code, name in tasks_of(live.tasks).items()):
        return AuditFinding("state", "what its tasks are called differs from the replay's")
    return None


def _decoded(stored: bytes | None) -> Row | None:
    return None if stored is None else decode_row(stored)


def _position_of(row: Row) -> str:
    return f"offset {row.offset}" if row.epoch == 0 else f"offset {row.offset} of epoch {row.epoch}"


def _gone() -> NotCompared:
    return NotCompared("began before what the topic still holds")


_COMPARED_APART: Final = ("ids", "segments", "explanations", "tasks", "enrolment", "weeks", "norms")
"""Explanations, weeks and norms are of scores, which the replay computes at the end alone: they are not compared."""
_NO_SKILL_STATE: Final = _without_scores(SkillState())
