"""Hypothesis strategies: rows with anything in them that folding, scoring and reasoning could have put there."""

from typing import Final
from zlib import crc32

import numpy as np
from hypothesis import strategies as st

from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.erasure import RowErasure, erasure_section
from streams.rows.explanations import LastExplanation, explanations_section
from streams.rows.row import (
    ID_BYTES,
    MAX_CONTROLS,
    MAX_EVIDENCE,
    MAX_HELD_ACTS,
    MAX_OPEN_FAILURES,
    MAX_ROW_IDS,
    MAX_SEGMENTS,
    MAX_VOIDABLE_OF_EVENT,
    ControlUse,
    Pending,
    Row,
    SkillState,
    StoredEvidenceItem,
    Totals,
)
from streams.rows.weeks import SCALE, UNSCORED, WEEK_SCORE, WeekPoint, past_bytes, weeks_section
from streams.vocabulary import FACTS, skill_code
from tests.events import default_skills
from tests.unit import reference_tasks
from tests.unit.reference_components import Held, packed

CONFIGURED: Final = st.sampled_from([skill_code(name) for name in default_skills().names])
FOREIGN: Final = st.integers(1, 8)

_wide: Final = st.integers(0, 2**32 - 1)
_floats: Final = st.floats(allow_nan=False, allow_infinity=False)
_sums: Final = st.floats(0, 1e9)
_scores: Final = st.just(-1.0) | st.floats(0, 1)
_seconds: Final = st.integers(1, 2**32 - 1)
_us: Final = st.integers(0, 4_102_444_800_000_000)
_offsets: Final = st.integers(-1, 2**62)

totals: Final = st.builds(
    Totals,
    n=st.integers(1, 2**32 - 1),
    total=_floats,
    squares=_floats,
    recent_n=_sums,
    recent_total=_floats,
    newest_s=_wide,
)
evidence_items: Final = st.builds(
    StoredEvidenceItem,
    code=_wide,
    value=_floats,
    time_s=_wide,
    weight=st.integers(-30, -1) | st.integers(1, 30),
    task=st.just(0) | _wide,
)
skill_states: Final = st.builds(
    SkillState,
    text_n=_sums,
    text_total=_floats,
    text_newest_s=_seconds,
    rubric_n=_sums,
    rubric_total=_floats,
    rubric_newest_s=_wide,
    score=_scores,
    confidence=st.floats(0, 1),
    explained=_scores,
    evidence_items=st.lists(evidence_items, max_size=MAX_EVIDENCE),
)
pendings: Final = st.builds(
    Pending,
    reasoned_epoch=_wide,
    reasoned_offset=_offsets,
    value=st.floats(0, 1),
    since_us=st.just(0) | _us,
    attempts=_wide,
    not_before_us=_us,
)


def _part(names: dict[bytes, tuple[int, int, float]]) -> bytes:
    held = {crc32(name): Held(name, wins, fails, wins, recent, recent) for name, (wins, fails, recent) in names.items()}
    return packed(held)


components: Final = st.just(b"") | st.dictionaries(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=64).map(str.encode),
    st.tuples(_wide, _wide, _sums),
    max_size=5,
).map(_part)


explanations: Final = st.dictionaries(
    CONFIGURED | FOREIGN,
    st.builds(
        LastExplanation,
        as_of_s=_seconds,
        counts=st.dictionaries(st.integers(0, len(FACTS) - 1), st.tuples(_seconds, _sums), max_size=4),
    ),
    max_size=3,
).map(explanations_section)


tasks: Final = st.just(b"") | st.dictionaries(
    st.integers(1, 2**32 - 1),
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=16).map(str.encode),
    max_size=4,
).map(reference_tasks.packed)


_ids: Final = st.none() | st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=16)
enrolments: Final = st.builds(EnrolmentIds, _ids, _ids, _ids, _ids).map(enrolment_section)
norms: Final = st.just(b"") | st.binary(min_size=8, max_size=8).filter(any)

erasures: Final = st.builds(
    RowErasure,
    st.lists(st.integers(0, 2**62), max_size=4).map(tuple),
    st.lists(st.tuples(_wide, st.integers(0, 2**62), _us), max_size=2).map(tuple),
).map(erasure_section)

_parts: Final = st.integers(0, SCALE) | st.just(UNSCORED)


def _weeks(week: int, scores: dict[int, tuple[int, int, int, int]], past: dict[int, set[int]]) -> bytes:
    records = [(skill, *scores[skill], 0) for skill in sorted(scores)]
    points = {skill: [WeekPoint(each, each, UNSCORED, each) for each in sorted(past[skill])] for skill in past}
    return weeks_section(week, np.array(records, WEEK_SCORE).tobytes(), past_bytes(points))


weeks: Final = st.just(b"") | st.builds(
    _weeks,
    st.integers(0, 6_000),
    st.dictionaries(CONFIGURED | FOREIGN, st.tuples(_parts, _parts, _parts, _parts), max_size=3),
    st.dictionaries(CONFIGURED | FOREIGN, st.sets(st.integers(0, 6_000), min_size=1, max_size=4), max_size=2),
)


def rows(skills: st.SearchStrategy[int] = CONFIGURED, most_skills: int = 4) -> st.SearchStrategy[Row]:
    """Rows; `skills` are the codes of the skills of which they hold `most_skills` at most."""
    return st.builds(
        Row,
        epoch=_wide,
        offset=_offsets,
        reference_us=_us,
        first_us=_us,
        as_of_us=_us,
        events=_wide,
        facts=st.dictionaries(st.integers(0, len(FACTS) - 1), totals, max_size=5),
        controls=st.dictionaries(_wide, st.builds(ControlUse, alone=_wide, isolated=_wide), max_size=MAX_CONTROLS),
        skills=st.dictionaries(skills, skill_states, max_size=most_skills),
        ids=st.binary(max_size=MAX_ROW_IDS * ID_BYTES).map(lambda ids: ids[: len(ids) // ID_BYTES * ID_BYTES]),
        origins=st.dictionaries(_wide, st.tuples(_offsets, _wide), max_size=8),
        open_failures=st.dictionaries(_wide, _us, max_size=MAX_OPEN_FAILURES),
        voidable=st.integers(0, MAX_VOIDABLE_OF_EVENT).map(lambda count: bytes(range(32)) * count),
        noted=_wide,
        partial=st.integers(0, 1),
        newest_us=_us,
        beyond_us=_us,
        far_times=st.integers(0, 2**64 - 1),
        segments=st.integers(0, MAX_SEGMENTS).map(lambda count: bytes(range(8)) * count),
        components=components,
        explanations=explanations,
        tasks=tasks,
        enrolment=enrolments,
        weeks=weeks,
        norms=norms,
        erasure=erasures,
        acts=st.integers(0, MAX_HELD_ACTS).map(lambda count: bytes(range(16)) * count),
        pending=pendings,
        erased_us=_us,
    )
