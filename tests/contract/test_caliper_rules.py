"""What the Caliper specification forbids is rejected by the requirement's name; what it allows is not."""

from typing import Any

import orjson
import pytest

from schemas.dead_letter import MAX_ERROR_CHARS
from schemas.dialects import Dialects
from tests.contract.caliper_events import (
    ADA,
    APP,
    FILM,
    FORUM,
    GRADER,
    ITEM,
    NOTE,
    PAGE,
    QUIZ,
    V1P1,
    V1P2,
    attempt,
    caliper,
    decoded,
    envelope,
    grade,
)
from tests.events import record

VIEW = caliper("ViewEvent", "Viewed", PAGE)
SECRET = "canary-7f3a"


def view(**given: Any) -> dict[str, Any]:
    return caliper("ViewEvent", "Viewed", PAGE, **given)


def view_of(**page: Any) -> dict[str, Any]:
    return caliper("ViewEvent", "Viewed", {**PAGE, **page})


def member(**given: Any) -> dict[str, Any]:
    return {"id": "https://school.example/rosters/1", "type": "Membership", **given}


LIS = "http://purl.imsglobal.org/vocab/lis/v2/membership"
QUESTION = {
    "id": "https://school.example/questions/1",
    "type": "RatingScaleQuestion",
    "questionPosed": "How satisfied are you?",
    "scale": {"id": "https://school.example/scales/1", "type": "LikertScale", "scalePoints": 4},
}

REJECTED = {
    "no context": (view(without=["@context"]), "4.1-context at $.@context"),
    "an inline context alone": (view(**{"@context": {"id": "@id"}}), "4.1-context at $.@context"),
    "another context last": (view(**{"@context": [V1P1, "https://schema.org"]}), "4.1-context at $.@context"),
    "a number among contexts": (view(**{"@context": [7, V1P1]}), "4.1-context at $.@context"),
    "no id": (view(without=["id"]), "2.1-id at $.id"),
    "an id that is no URN": (view(id="3f0c1a52-7a0e-4c59-9d4f-0d6a8a8a9f01"), "2.1-id at $.id"),
    "an id that is no UUID": (view(id=f"urn:uuid:{SECRET}"), "2.1-id at $.id"),
    "an id that is an IRI": (view(id="https://school.example/events/1"), "2.1-id at $.id"),
    "no type": (view(without=["type"]), "2.1-type at $.type"),
    "a type of entities": (view(type="WebPage"), "2.1-type at $.type"),
    "no actor": (view(without=["actor"]), "2.1-actor at $.actor"),
    "a null actor": (view(actor=None), "2.1-actor at $.actor"),
    "an actor that is no IRI": (view(actor="ada"), "2.1-entity at $.actor"),
    "an array of actors": (view(actor=[ADA]), "2.1-entity at $.actor"),
    "an actor without id": (view(actor={"type": "Person"}), "2.2-id at $.actor.id"),
    "an actor without type": (view(actor={"id": ADA}), "2.2-type at $.actor.type"),
    "an actor of an unknown type": (view(actor={"id": ADA, "type": "Robot"}), "2.2-type at $.actor.type"),
    "an actor that cannot view": (view(actor=GRADER), "B-actor at $.actor.type"),
    "no action": (view(without=["action"]), "2.1-action at $.action"),
    "two actions": (view(action=["Viewed", "Used"]), "2.1-action at $.action"),
    "no action of the specification": (view(action="Peeked"), "A-action at $.action"),
    "an action of another type": (view(action="Graded"), "B-action at $.action"),
    "an action in small letters": (view(action="viewed"), "A-action at $.action"),
    "a basic event's made-up action": (caliper("Event", "Peeked", PAGE), "A-action at $.action"),
    "no object": (view(without=["object"]), "2.1-object at $.object"),
    "an object of another type": (caliper("MediaEvent", "Started", PAGE), "B-object at $.object.type"),
    "a number for an object": (view(object=7), "2.1-entity at $.object"),
    "no time": (view(without=["eventTime"]), "2.1-eventTime at $.eventTime"),
    "a time without milliseconds": (view(eventTime="2026-03-02T12:00:00Z"), "2.1-eventTime at $.eventTime"),
    "a time with an offset": (view(eventTime="2026-03-02T12:00:00.000+01:00"), "2.1-eventTime at $.eventTime"),
    "a time in microseconds": (view(eventTime="2026-03-02T12:00:00.000000Z"), "2.1-eventTime at $.eventTime"),
    "a week date": (view(eventTime="2026-W10-1T12:00:00.000Z"), "2.1-eventTime at $.eventTime"),
    "the thirtieth of February": (view(eventTime="2026-02-30T12:00:00.000Z"), "2.1-eventTime at $.eventTime"),
    "a time as a number": (view(eventTime=1772452800000), "2.1-eventTime at $.eventTime"),
    "an attribute of one's own": (view(course="7"), "2.1-custom at $"),
    "an attribute of Caliper 1.0": (view(navigatedFrom=ADA), "2.1-custom at $.navigatedFrom"),
    "a profile, which 1.1 lacks": (view(profile="ReadingProfile"), "2.1-custom at $"),
    "two profiles": (view(profile=["A", "B"], **{"@context": V1P2}), "2.1-profile at $.profile"),
    "extensions in an array": (view(extensions=[{}]), "2.1-extensions at $.extensions"),
    "an application that is a page": (view(edApp=PAGE), "B-context at $.edApp.type"),
    "a group that is an application": (view(group=APP), "B-context at $.group.type"),
    "a membership that is a session": (view(membership=attempt()), "B-context at $.membership.type"),
    "a session without id": (view(session={"type": "Session"}), "2.2-id at $.session.id"),
    "a referrer that is no IRI": (view(referrer="page 1"), "2.1-entity at $.referrer"),
    "a status of one's own": (
        view(membership={"id": ADA, "type": "Membership", "status": "Gone"}),
        "F-status at $.membership.status",
    ),
    "an entity without id, deep within": (
        view_of(isPartOf={**PAGE, "isPartOf": {"type": "WebPage"}}),
        "2.2-id at $.object.isPartOf.isPartOf.id",
    ),
    "a creator that is no entity": (view_of(creators=[ADA, 7]), "2.1-entity at $.object.creators[1]"),
    "a date of another form": (view_of(dateCreated="2026-03-02"), "2.2-date at $.object.dateCreated"),
    "a duration of another form": (
        caliper("MediaEvent", "Started", {**FILM, "duration": "20 min"}),
        "C-duration at $.object.duration",
    ),
    "a place in a film that is no duration": (
        caliper("MediaEvent", "Paused", FILM, target={"id": ADA, "type": "MediaLocation", "currentTime": 321}),
        "C-duration at $.target.currentTime",
    ),
    "a score in words": (
        caliper("GradeEvent", "Graded", attempt(), generated={**grade(), "scoreGiven": "15"}),
        "C-number at $.generated.scoreGiven",
    ),
    "half an attempt": (
        caliper("AssessmentEvent", "Started", QUIZ, generated=attempt() | {"count": 1.5}),
        "C-count at $.generated.count",
    ),
    "less than no attempt": (
        caliper("AssessmentEvent", "Started", QUIZ, generated=attempt(count=-1)),
        "C-count at $.generated.count",
    ),
    "a type with a typing error": (caliper("AssesmentEvent", "Started", QUIZ), "2.1-type at $.type"),
    "a type of 1.2 in 1.1": (caliper("FeedbackEvent", "Commented", PAGE), "2.1-type at $.type"),
    "a document that tries": (
        caliper("GradeEvent", "Graded", attempt(assignee={"id": ADA, "type": "Document"}), generated=grade()),
        "C-entity at $.object.assignee.type",
    ),
    "a group that tries": (
        caliper("GradeEvent", "Graded", attempt(assignee={"id": ADA, "type": "Group"}), generated=grade()),
        "C-entity at $.object.assignee.type",
    ),
    "an attempt of a person": (
        caliper("AssessmentEvent", "Started", QUIZ, generated=attempt({"id": ADA, "type": "Person"})),
        "C-entity at $.generated.assignable.type",
    ),
    "a score of a quiz, not of an attempt": (
        caliper("GradeEvent", "Graded", attempt(), generated={**grade(), "attempt": QUIZ}),
        "C-entity at $.generated.attempt.type",
    ),
    "a session of an application": (
        caliper("SessionEvent", "TimedOut", {"id": ADA, "type": "Session", "user": APP}, actor=APP),
        "C-entity at $.object.user.type",
    ),
    "a reply to a person": (
        caliper("MessageEvent", "Posted", {**NOTE, "replyTo": {"id": ADA, "type": "Person"}}),
        "C-entity at $.object.replyTo.type",
    ),
    "a page as a member": (view(membership=member(member=PAGE)), "C-entity at $.membership.member.type"),
    "a page among the creators": (view_of(creators=[ADA, PAGE]), "C-entity at $.object.creators[1].type"),
    "creators in no array": (view_of(creators=ADA), "C-array at $.object.creators"),
    "two members of one membership": (view(membership=member(member=[ADA])), "2.1-entity at $.membership.member"),
    "a role of one's own": (view(membership=member(roles=["Learner", "Wizard"])), "E-roles at $.membership.roles"),
    "a sub-role of one's own": (view(membership=member(roles=["Learner#Wizard"])), "E-roles at $.membership.roles"),
    "a role in an object": (view(membership=member(roles=[{"id": "Learner"}])), "E-roles at $.membership.roles"),
    "a role in no array": (view(membership=member(roles="Learner")), "E-roles at $.membership.roles"),
    "a number for a message": (caliper("MessageEvent", "Posted", {**NOTE, "body": 123}), "C-string at $.object.body"),
    "a number for a name": (view_of(name=5), "C-string at $.object.name"),
    "a truth for an answer": (
        caliper(
            "AssessmentItemEvent",
            "Completed",
            ITEM,
            generated={"id": ADA, "type": "TrueFalseResponse", "value": True},
        ),
        "C-string at $.generated.value",
    ),
    "a text for answers": (
        caliper(
            "AssessmentItemEvent",
            "Completed",
            ITEM,
            generated={"id": ADA, "type": "FillinBlankResponse", "values": "subject"},
        ),
        "C-strings at $.generated.values",
    ),
    "a text for a truth": (
        caliper("AssessmentItemEvent", "Started", {**ITEM, "isTimeDependent": "no"}),
        "C-boolean at $.object.isTimeDependent",
    ),
    "an entity for a question's words": (
        view(object={**QUESTION, "questionPosed": PAGE}, **{"@context": V1P2}),
        "C-string at $.object.questionPosed",
    ),
    "a profile of one's own": (view(profile="WizardProfile", **{"@context": V1P2}), "2.1-profile at $.profile"),
    "a place in a film that is a frame": (
        caliper("MediaEvent", "Paused", FILM, target={"id": ADA, "type": "Frame"}),
        "B-target at $.target.type",
    ),
    "a return to a person": (
        caliper("ToolLaunchEvent", "Returned", APP, target={"id": ADA, "type": "Person"}, **{"@context": V1P2}),
        "B-target at $.target.type",
    ),
    "a grade of an assessment": (caliper("GradeEvent", "Graded", QUIZ), "B-object at $.object.type"),
    "a grade that generates a response": (
        caliper("GradeEvent", "Graded", attempt(), generated={"id": ADA, "type": "Response"}),
        "B-generated at $.generated.type",
    ),
    "an application that logs in": (caliper("SessionEvent", "LoggedIn", APP, actor=APP), "B-actor at $.actor.type"),
    "a person who times out": (
        caliper("SessionEvent", "TimedOut", {"id": ADA, "type": "Session"}),
        "B-actor at $.actor.type",
    ),
    "an application that times out": (
        caliper("SessionEvent", "TimedOut", APP, actor=APP),
        "B-object at $.object.type",
    ),
    "a selection without end": (
        caliper(
            "AnnotationEvent",
            "Highlighted",
            PAGE,
            generated={"id": ADA, "type": "HighlightAnnotation", "selection": {"start": 1}},
        ),
        "D-selection at $.generated.selection",
    ),
    "a launch from nowhere": (
        caliper("ToolLaunchEvent", "Launched", APP, **{"@context": V1P2}),
        "B-required at $.federatedSession",
    ),
    "a ranking that is a comment": (
        caliper("FeedbackEvent", "Ranked", PAGE, generated={"id": ADA, "type": "Comment"}, **{"@context": V1P2}),
        "B-generated at $.generated.type",
    ),
    "an action that 1.2 has dropped": (
        caliper("MediaEvent", "Rewound", FILM, **{"@context": V1P2}),
        "B-action at $.action",
    ),
}

REJECTED_ENVELOPES = {
    "a property of one's own": (envelope(VIEW, course="7"), "5.2-properties at $"),
    "no sensor": ({k: v for k, v in envelope(VIEW).items() if k != "sensor"}, "5.2-properties at $.sensor"),
    "a sensor that is a number": (envelope(VIEW, sensor=7), "5.2-sensor at $.sensor"),
    "no sendTime": ({k: v for k, v in envelope(VIEW).items() if k != "sendTime"}, "5.2-properties at $.sendTime"),
    "a sendTime in seconds": (envelope(VIEW, sendTime="2026-03-02T12:00:01Z"), "5.2-sendTime at $.sendTime"),
    "no dataVersion": (
        {k: v for k, v in envelope(VIEW).items() if k != "dataVersion"},
        "5.2-properties at $.dataVersion",
    ),
    "a dataVersion of one's own": (envelope(VIEW, dataVersion="1.1"), "5.2-dataVersion at $.dataVersion"),
    "no data": ({k: v for k, v in envelope(VIEW).items() if k != "data"}, "5.2-properties at $.data"),
    "empty data": (envelope(), "5.2-data at $.data"),
    "data in an object": (envelope(data={"0": VIEW}), "5.2-data at $.data"),
    "a number among the data": (envelope(VIEW, 7), "5.2-data at $.data[1]"),
}

ACCEPTED = {
    "a whole event": VIEW,
    "a thinned one": view(
        actor=ADA,
        object=PAGE["id"],
        edApp=APP["id"],
        group="urn:example:course:7",
        membership="https://school.example/rosters/1",
        session="https://school.example/sessions/5",
    ),
    "no more than what is required": view(without=["edApp", "group", "membership", "session"]),
    "several contexts, Caliper's last": view(**{"@context": [{"query": "https://schema.org/query"}, V1P1]}),
    "a term of a further context": view_of(type="Hologram") | {"@context": ["https://holo.example/terms", V1P1]},
    "a profile's extension of 1.1": view(**{"@context": f"{V1P1}/ToolUseProfile-extension"}),
    "1.2, with its profile": view(**{"@context": V1P2, "profile": "ReadingProfile"}),
    "a UUID of another version, in capitals": view(id="urn:uuid:6BA7B810-9DAD-11D1-80B4-00C04FD430C8"),
    "an action by its IRI": view(action="http://purl.imsglobal.org/caliper/actions/Viewed"),
    "null and empty values, which should be left out": view(
        referrer=None, target="", group={}, extensions=None, generated=None
    ),
    "extensions": view(extensions={"anything": [None, {"goes": 1}]}),
    "an entity's extensions": view_of(extensions={"anything": [1]}),
    "properties of entities that no table knows": view_of(hologram=True),
    "a further context's entity, of whose properties it alone tells": view_of(
        type="Hologram", name=7, creators="me", count="many", isPartOf={"id": 7}, extensions=[]
    )
    | {"@context": ["https://holo.example/terms", V1P1]},
    "an attempt in a further context's entity": caliper(
        "AssessmentEvent",
        "Started",
        QUIZ,
        generated={"id": ADA, "type": "Hologram", "attempt": {"count": "many", "assignee": 7, "duration": []}},
        **{"@context": ["https://holo.example/terms", V1P1]},
    ),
    "a further context's profile": view(
        profile="WizardProfile", **{"@context": [f"{V1P2}/WizardProfile-extension", V1P2]}
    ),
    "a profile by its IRI": view(profile="http://purl.imsglobal.org/caliper/ReadingProfile", **{"@context": V1P2}),
    "roles by their IRIs": view(
        membership=member(roles=[f"{LIS}#Learner", f"{LIS}/Learner#GuestLearner", f"{LIS}#Mentor#Tutor"])
    ),
    "a question in a questionnaire": caliper(
        "QuestionnaireItemEvent",
        "Started",
        {"id": ADA, "type": "QuestionnaireItem", "question": QUESTION, "categories": ["a"], "weight": 1.0},
        generated=attempt(PAGE),
        **{"@context": V1P2},
    ),
    "a question viewed, a resource by 1.2": view(object=QUESTION, **{"@context": V1P2}),
    "a copy of which no more is said": caliper("ResourceManagementEvent", "Copied", PAGE, **{"@context": V1P2}),
    "a frame navigated to": caliper("NavigationEvent", "NavigatedTo", PAGE, target={"id": ADA, "type": "Frame"}),
    "a place in a film, called a resource": caliper(
        "MediaEvent", "Paused", FILM, target={"id": ADA, "type": "DigitalResource"}
    ),
    "an empty array of creators": view_of(creators=[]),
    "a supertype": view(actor={"id": ADA, "type": "Agent"}, object={"id": ADA, "type": "Entity"}),
    "a subtype": caliper("AssignableEvent", "Started", ITEM),
    "a deprecated action": caliper("MediaEvent", "Rewound", FILM),
    "either spelling of unread": caliper("MessageEvent", "MarkedAsUnRead", NOTE),
    "the other": caliper("MessageEvent", "MarkedAsUnread", NOTE),
    "an item's attempt, as section 3.2 has it": caliper("AssessmentItemEvent", "Started", ITEM, generated=attempt()),
    "a result viewed, as section 3.5 has it": view(object={"id": ADA, "type": "Result"}),
    "the attempt that is handed in": caliper("AssignableEvent", "Submitted", attempt()),
    "a learner who mentors, too": view(
        membership={"id": ADA, "type": "Membership", "roles": ["Mentor", "Learner"], "status": "Inactive"}
    ),
}


@pytest.mark.parametrize(("event", "rule"), REJECTED.values(), ids=REJECTED)
def test_an_event_is_rejected_by_the_rule_that_it_breaks(event: dict[str, Any], rule: str) -> None:
    [invalid] = decoded(event).invalid
    assert invalid.error.startswith(f"{rule}: ")
    assert invalid.reason == "caliper_invalid"
    assert SECRET not in invalid.error


@pytest.mark.parametrize(("document", "rule"), REJECTED_ENVELOPES.values(), ids=REJECTED_ENVELOPES)
def test_an_envelope_is_rejected_as_a_whole(document: dict[str, Any], rule: str) -> None:
    found = decoded(document)
    assert [invalid.error.partition(": ")[0] for invalid in found.invalid] == [rule]
    assert not found.events


@pytest.mark.parametrize("event", ACCEPTED.values(), ids=ACCEPTED)
def test_an_event_is_accepted(event: dict[str, Any]) -> None:
    found = decoded(event)
    assert found.invalid == []
    assert len(found.events) == 1


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


def test_an_entity_may_be_as_deep_as_json_may() -> None:
    page: dict[str, Any] = PAGE
    broken: dict[str, Any] = {"type": "WebPage"}
    for _ in range(200):
        page, broken = {**PAGE, "isPartOf": page}, {**PAGE, "isPartOf": broken}
    assert len(decoded(view(object=page)).events) == 1
    [invalid] = decoded(view(object=broken)).invalid
    assert invalid.error.startswith("2.2-id at $.object.isPartOf.")
    assert len(invalid.error) < MAX_ERROR_CHARS
