"""Whatever is done to a valid event, it is read, ignored or rejected; and what is read can be written."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.dialects import native
from tests.contract.caliper_events import decoded, envelope
from tests.contract.mutations import mutated, values
from tests.contract.test_caliper_accepted import ACCEPTED
from tests.contract.test_caliper_kinds import KIND_OF, NO_STUDENT

VALID = [event for event, *_ in [*KIND_OF.values(), *NO_STUDENT.values()]] + list(ACCEPTED.values())
IRIS = ["https://school.example/x" * 20, "_:b0", "http://purl.imsglobal.org/caliper/Person"]
TERMS = ["Person", "Group", "Attempt", "Assessment", "Session", "Graded", "Started", "Viewed", "GradeEvent", "Event"]
TIMES = ["0001-01-01T00:00:00.000Z", "9999-12-31T23:59:59.999Z", "2026-03-02T12:00:00.000Z"]
COMMON = [*IRIS, *TERMS, *TIMES, "PT1H", "P9" + "9" * 400 + "D", ""]
JSON = values(COMMON, ["id", "type", "user", "x"])


@given(st.lists(mutated(VALID, JSON, at_least=1), min_size=1, max_size=3), st.booleans())
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
