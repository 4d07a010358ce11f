"""Caliper envelopes and arrays: which are rejected whole, which of their events pass, and how they are told apart."""

from typing import Any

import orjson
import pytest

from schemas.dialects import Dialects
from tests.contract.caliper_events import (
    FILM,
    FORUM,
    GRADER,
    ITEM,
    NOTE,
    PAGE,
    QUIZ,
    V1P1,
    V1P2,
    VIEW,
    attempt,
    decoded,
    envelope,
    grade,
    view,
)
from tests.contract.test_caliper_rules import REJECTED
from tests.events import record

REJECTED_ENVELOPES = {
    "no dataVersion": (
        {k: v for k, v in envelope(VIEW).items() if k != "dataVersion"},
        "5.2-properties at $.dataVersion",
    ),
    "a dataVersion of one's own": (envelope(VIEW, dataVersion="1.1"), "5.2-dataVersion at $.dataVersion"),
    "no data": ({k: v for k, v in envelope(VIEW).items() if k != "data"}, "5.2-properties at $.data"),
    "empty data": (envelope(), "5.2-data at $.data"),
    "data in an object": (envelope(data={"0": VIEW}), "5.2-data at $.data"),
    "numbers alone": (envelope(7, {}, None), "5.2-data at $.data[0]"),
}

TOLERATED_ENVELOPES = {
    "a property of one's own": (envelope(VIEW, course="7"), ["5.2-properties"]),
    "no sensor": ({k: v for k, v in envelope(VIEW).items() if k != "sensor"}, ["5.2-properties"]),
    "a sensor that is a number": (envelope(VIEW, sensor=7), ["5.2-sensor"]),
    "no sendTime": ({k: v for k, v in envelope(VIEW).items() if k != "sendTime"}, ["5.2-properties"]),
    "a sendTime in seconds": (envelope(VIEW, sendTime="2026-03-02T12:00:01Z"), ["5.2-sendTime"]),
    "neither sensor nor sendTime": (envelope(VIEW, sensor=None, sendTime=0), ["5.2-sensor", "5.2-sendTime"]),
}


@pytest.mark.parametrize(("document", "rules"), TOLERATED_ENVELOPES.values(), ids=TOLERATED_ENVELOPES)
def test_who_sent_an_envelope_and_when_is_not_read_and_costs_no_event(
    document: dict[str, Any], rules: list[str]
) -> None:
    found = decoded(document)
    assert (len(found.events), found.invalid) == (1, [])
    assert [one.rule for one in found.tolerated] == rules


@pytest.mark.parametrize("broken", [7, None, "view", [], {}, [VIEW]], ids=repr)
def test_what_is_no_event_costs_no_other_of_its_envelope(broken: object) -> None:
    for document in (envelope(VIEW, broken, VIEW), [VIEW, broken, VIEW]):
        found = decoded(document)

        assert (len(found.events), list(found.parts), found.ignored) == (2, [0, 2], [])
        [invalid] = found.invalid
        assert (invalid.index, invalid.error.partition(" ")[0]) == (1, "5.2-data")


@pytest.mark.parametrize(("document", "rule"), REJECTED_ENVELOPES.values(), ids=REJECTED_ENVELOPES)
def test_an_envelope_is_rejected_as_a_whole(document: dict[str, Any], rule: str) -> None:
    found = decoded(document)
    assert [invalid.error.partition(": ")[0] for invalid in found.invalid] == [rule]
    assert not found.events


def test_an_envelopes_good_events_pass_when_others_are_bad() -> None:
    bad = view(without=["actor"])
    found = decoded(envelope(PAGE, bad, VIEW, view(eventTime="1970-01-01T00:00:00.000Z"), VIEW))
    assert [(one.index, one.reason) for one in found.invalid] == [(1, "caliper_invalid"), (3, "absurd_time")]
    assert "$.data[1].actor" in found.invalid[0].error
    assert [(one.index, one.name) for one in found.ignored] == [(0, "WebPage")]
    assert len(found.events) == 2


def test_an_arrays_good_events_pass_when_its_first_is_bad() -> None:
    found = Dialects().decode(record(orjson.dumps([{"type": "ViewEvent"}, VIEW])))
    assert [(one.index, one.reason, one.schema_guess) for one in found.invalid] == [(0, "caliper_invalid", "caliper")]
    assert len(found.events) == 1


@pytest.mark.parametrize("context", [V1P1, f"{V1P1}/ToolUseProfile-extension", f"{V1P1}/FeedbackProfile-extension"])
def test_an_envelopes_version_may_be_a_profiles_extension(context: str) -> None:
    extension = f"{V1P1}/ToolUseProfile-extension"
    found = decoded(envelope(view(**{"@context": context}), dataVersion=extension))
    assert (len(found.events), found.invalid) == (1, [])
    [other] = decoded(envelope(view(**{"@context": V1P2}), dataVersion=extension)).invalid
    assert other.error.startswith("5.2-dataVersion at $.data[0].@context")


def test_an_unknown_version_is_told_from_a_broken_one() -> None:
    later = "http://purl.imsglobal.org/ctx/caliper/v9p9"
    [event] = decoded(view(**{"@context": later})).invalid
    [whole] = decoded(envelope(VIEW, dataVersion=later)).invalid
    assert event.reason == whole.reason == "caliper_unknown_version"


def test_an_event_of_another_version_than_its_envelope_is_rejected() -> None:
    [invalid] = decoded(envelope(view(**{"@context": V1P2}))).invalid
    assert invalid.error.startswith("5.2-dataVersion at $.data[0].@context")


@pytest.mark.parametrize("entity", [PAGE, QUIZ, ITEM, FILM, NOTE, FORUM, GRADER, attempt(), grade()])
def test_an_entity_is_no_event(entity: dict[str, Any]) -> None:
    described = {"@context": V1P1, **entity}
    for document in (described, envelope(described)):
        found = decoded(document)
        assert ([one.name for one in found.ignored], found.events, found.invalid) == ([entity["type"]], [], [])


def test_the_dialect_is_found_from_the_record() -> None:
    dialects = Dialects()
    broken = [document for document, _ in [*REJECTED.values(), *REJECTED_ENVELOPES.values()]]
    for document in (VIEW, envelope(VIEW), [VIEW], *broken):
        found = dialects.decode(record(orjson.dumps(document)))
        assert [type(one).__name__ for one in found.events] == ["Navigation"] or found.invalid[0].reason[
            :7
        ] == "caliper"
    [native] = dialects.decode(record(b'{"type":"attempt","version":1,"eventTime":1}')).invalid
    assert native.schema_guess == "native"
