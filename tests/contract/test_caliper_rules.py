"""An event that breaks a rule of the Caliper specification is rejected by the rule's name."""

from typing import Any

import pytest

from schemas.dead_letter import MAX_ERROR_CHARS
from tests.contract.caliper_events import (
    ADA,
    APP,
    FILM,
    GRADER,
    ITEM,
    NOTE,
    PAGE,
    QUESTION,
    QUIZ,
    V1P1,
    V1P2,
    attempt,
    caliper,
    decoded,
    grade,
    member,
    view,
    view_of,
)

SECRET = "canary-7f3a"
GRADER_PERSON = {"id": ADA, "type": "Person"}

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
    "two members of one membership": (view(membership=member(member=[ADA])), "2.1-entity at $.membership.member"),
    "a role of one's own": (view(membership=member(roles=["Learner", "Wizard"])), "E-roles at $.membership.roles"),
    "a sub-role of one's own": (view(membership=member(roles=["Learner#Wizard"])), "E-roles at $.membership.roles"),
    "a role in an object": (view(membership=member(roles=[{"id": "Learner"}])), "E-roles at $.membership.roles"),
    "a role in no array": (view(membership=member(roles="Learner")), "E-roles at $.membership.roles"),
    "a number for a message": (caliper("MessageEvent", "Posted", {**NOTE, "body": 123}), "C-string at $.object.body"),
    "a truth for an answer": (
        caliper(
            "AssessmentItemEvent",
            "Completed",
            ITEM,
            generated={"id": ADA, "type": "TrueFalseResponse", "value": True},
        ),
        "C-string at $.generated.value",
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
    "a launch from nowhere": (
        caliper("ToolLaunchEvent", "Launched", APP, **{"@context": V1P2}),
        "B-required at $.federatedSession",
    ),
    "a ranking that is a comment": (
        caliper("FeedbackEvent", "Ranked", PAGE, generated={"id": ADA, "type": "Comment"}, **{"@context": V1P2}),
        "B-generated at $.generated.type",
    ),
    "a use that generates a page": (
        caliper("ToolUseEvent", "Used", APP, generated=PAGE, **{"@context": V1P2}),
        "B-generated at $.generated.type",
    ),
    "a resource that generates a person": (
        caliper("ResourceManagementEvent", "Created", PAGE, generated=GRADER_PERSON, **{"@context": V1P2}),
        "B-generated at $.generated.type",
    ),
    "a copy of which no more is said": (
        caliper("ResourceManagementEvent", "Copied", PAGE, **{"@context": V1P2}),
        "B-required at $.generated",
    ),
    "a launch that generates a person": (
        caliper("ToolLaunchEvent", "Returned", APP, generated=GRADER_PERSON, **{"@context": V1P2}),
        "B-generated at $.generated.type",
    ),
    "a navigation from a person": (
        caliper("NavigationEvent", "NavigatedTo", PAGE, referrer=GRADER_PERSON, **{"@context": V1P2}),
        "B-context at $.referrer.type",
    ),
    "a navigation from a person, in 1.1": (
        caliper("NavigationEvent", "NavigatedTo", PAGE, referrer=GRADER_PERSON),
        "B-context at $.referrer.type",
    ),
    "a login from a person": (
        caliper("SessionEvent", "LoggedIn", APP, referrer=GRADER_PERSON, **{"@context": V1P2}),
        "B-context at $.referrer.type",
    ),
    "an item after a page": (
        caliper("AssessmentItemEvent", "Started", ITEM, referrer=PAGE, **{"@context": V1P2}),
        "B-context at $.referrer.type",
    ),
    "a federated session that is a mere one": (
        view(federatedSession={"id": ADA, "type": "Session"}, **{"@context": V1P2}),
        "B-context at $.federatedSession.type",
    ),
    "an application that navigates, in 1.2": (
        caliper("NavigationEvent", "NavigatedTo", PAGE, actor=APP, **{"@context": V1P2}),
        "B-actor at $.actor.type",
    ),
    "an action that 1.2 has dropped": (
        caliper("MediaEvent", "Rewound", FILM, **{"@context": V1P2}),
        "B-action at $.action",
    ),
}
TOLERATED = {
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
    "a page among the creators": (view_of(creators=[ADA, PAGE]), "C-entity at $.object.creators[1].type"),
    "creators in no array": (view_of(creators=ADA), "C-array at $.object.creators"),
    "a number for a name": (view_of(name=5), "C-string at $.object.name"),
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
    "a selection without end": (
        caliper(
            "AnnotationEvent",
            "Highlighted",
            PAGE,
            generated={"id": ADA, "type": "HighlightAnnotation", "selection": {"start": 1}},
        ),
        "D-selection at $.generated.selection",
    ),
}


@pytest.mark.parametrize(("event", "rule"), REJECTED.values(), ids=REJECTED)
def test_an_event_is_rejected_by_the_rule_that_it_breaks(event: dict[str, Any], rule: str) -> None:
    [invalid] = decoded(event).invalid
    assert invalid.error.startswith(f"{rule}: ")
    assert invalid.reason == "caliper_invalid"
    assert SECRET not in invalid.error


@pytest.mark.parametrize(("event", "rule"), TOLERATED.values(), ids=TOLERATED)
def test_what_is_broken_where_nobody_reads_it_is_counted_by_its_rule(event: dict[str, Any], rule: str) -> None:
    found = decoded(event)
    assert (len(found.events), found.invalid) == (1, [])
    assert [(one.dialect, one.rule) for one in found.tolerated] == [("caliper", rule.partition(" at ")[0])]


def test_what_is_broken_where_it_is_read_is_refused_whatever_is_broken_beside_it() -> None:
    note = {"id": ADA, "type": "Message", "name": 5, "creators": "me", "body": 7}
    [invalid] = decoded(caliper("MessageEvent", "Posted", note)).invalid
    assert invalid.error.startswith("C-string at $.object.body")


def test_an_entity_may_be_as_deep_as_json_may() -> None:
    note: dict[str, Any] = NOTE
    broken: dict[str, Any] = {"type": "Message"}
    for _ in range(200):
        note, broken = {**NOTE, "replyTo": note}, {**NOTE, "replyTo": broken}
    assert len(decoded(caliper("MessageEvent", "Posted", note)).events) == 1
    [invalid] = decoded(caliper("MessageEvent", "Posted", broken)).invalid
    assert invalid.error.startswith("2.2-id at $.object.replyTo.")
    assert len(invalid.error) < MAX_ERROR_CHARS
