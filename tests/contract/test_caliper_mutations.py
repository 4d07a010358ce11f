"""Whatever is done to a valid event, it is read, ignored or rejected; and what is read can be written."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import native
from tests.contract.caliper_events import decoded, envelope
from tests.contract.test_caliper_accepted import ACCEPTED
from tests.contract.test_caliper_kinds import KIND_OF, NO_STUDENT

VALID = [event for event, *_ in [*KIND_OF.values(), *NO_STUDENT.values()]] + list(ACCEPTED.values())
IRIS = ["https://school.example/x" * 20, "_:b0", "http://purl.imsglobal.org/caliper/Person"]
TERMS = ["Person", "Group", "Attempt", "Assessment", "Session", "Graded", "Started", "Viewed", "GradeEvent", "Event"]
TIMES = ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-03-02T12:00:00.000Z"]
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=8)
    | st.sampled_from([*IRIS, *TERMS, *TIMES, "PT1H", "P9" + "9" * 400 + "D", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "type", "user", "x"]), inner),
    max_leaves=6,
)


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each property and element, as its holder and its key."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        yield value, key
        yield from places(inner)


@st.composite
def mutated(draw: st.DrawFn) -> Any:
    event = deepcopy(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 3))):
        holder, key = draw(st.sampled_from(list(places(event)) or [({}, "id")]))
        if draw(st.booleans()):
            holder[key] = draw(JSON)
        elif holder:
            del holder[key]
    return event


@given(st.lists(mutated(), min_size=1, max_size=3), st.booleans())
def test_a_mutated_event_is_read_ignored_or_rejected(events: list[Any], whole: bool) -> None:
    document = envelope(*events) if whole else events[0]
    found = decoded(document)
    read = len(set(found.parts)) if found.parts else bool(found.events)
    parts = read + len(found.invalid) + len(found.ignored)
    assert parts == (len(events) if whole and all(events) else 1)
    for event in found.events:
        assert native.decode(native.encode(event)) == event


@given(JSON, st.sampled_from(["sensor", "sendTime", "dataVersion", "data"]))
def test_a_mutated_envelope_never_raises(value: Any, name: str) -> None:
    found = decoded(envelope(VALID[0]) | {name: value})
    assert len(found.events) + len(found.invalid) + len(found.ignored) >= 1


def test_what_is_read_of_each_event_can_be_written() -> None:
    for event in VALID:
        for read in decoded(event).events:
            assert native.decode(native.encode(read)) == read
