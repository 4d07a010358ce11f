"""Students' rows for norms: what matters to them is given, the rest is as plain as can be."""

from collections.abc import Mapping
from typing import Final

from hypothesis import strategies as st

from streams.norms.row_sums import Periods
from streams.rows.codec import encode_row
from streams.rows.components import component_code
from streams.rows.enrolment import EnrolmentIds, enrolment_section
from streams.rows.row import Row, Totals
from streams.vocabulary import Fact
from tests.unit.reference_components import Held, packed

NOW_US: Final = 1_790_000_000_000_000
DAY_US: Final = 86_400_000_000
PERIODS: Final = Periods(NOW_US, DAY_US)


def student(
    enrolment: EnrolmentIds,
    facts: Mapping[Fact, tuple[int, float]] | None = None,
    components: Mapping[bytes, tuple[int, int]] | None = None,
    *,
    events: int = 3,
    seen_us: int = NOW_US,
) -> Row:
    """A row with these facts (number and total) and components (right answers and others)."""
    held = {
        component_code(name): Held(name, seen_us // 1_000_000, wins, fails, float(wins), float(fails))
        for name, (wins, fails) in (components or {}).items()
    }
    return Row(
        events=events,
        as_of_us=seen_us,
        facts={fact: Totals(n=n, total=total) for fact, (n, total) in (facts or {}).items()},
        enrolment=enrolment_section(enrolment),
        components=packed(held) if held else b"",
    )


def in_course(course: str, score: float = 0.5, *, seen_us: int = NOW_US, events: int = 3) -> bytes:
    """A stored row of a student with one attempt."""
    facts = {Fact.ATTEMPTED: (1, score)}
    return encode_row(student(EnrolmentIds(course), facts, events=events, seen_us=seen_us))


_ids: Final = st.none() | st.sampled_from(["a", "b", "c"])
_FACTS: Final = st.dictionaries(
    st.sampled_from([Fact.ATTEMPTED, Fact.MARKED, Fact.SUBMITTED, Fact.MISSED, Fact.EARLY, Fact.LATE, Fact.WORKED]),
    st.integers(1, 5).flatmap(lambda n: st.tuples(st.just(n), st.floats(0, n))),
)
students: Final = st.builds(
    student,
    st.builds(EnrolmentIds, _ids, _ids, _ids, _ids),
    _FACTS | st.just({Fact.WITHDREW: (1, 0.0), Fact.ATTEMPTED: (1, 1.0)}),
    st.dictionaries(
        st.sampled_from([b"algebra", b"fractions", b"sets"]), st.tuples(st.integers(0, 9), st.integers(0, 9))
    ),
    events=st.integers(0, 3_000),
    seen_us=st.integers(0, 70).map(lambda days: NOW_US - days * DAY_US - DAY_US // 2),
)
