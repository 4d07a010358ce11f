"""An event that the Caliper specification allows is accepted, unusual as it may be."""

from typing import Any

import pytest

from tests.contract.caliper_events import (
    ADA,
    APP,
    FILM,
    ITEM,
    NOTE,
    PAGE,
    QUESTION,
    QUIZ,
    V1P1,
    V1P2,
    VIEW,
    attempt,
    caliper,
    decoded,
    member,
    view,
    view_of,
)

LIS = "http://purl.imsglobal.org/vocab/lis/v2/membership"

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
    "a copy": caliper("ResourceManagementEvent", "Copied", PAGE, generated=PAGE, **{"@context": V1P2}),
    "a launch to a link of LTI": caliper(
        "ToolLaunchEvent",
        "Launched",
        APP,
        target={"id": ADA, "type": "LtiLink"},
        federatedSession={"id": ADA, "type": "LtiSession"},
        **{"@context": V1P2},
    ),
    "a use that generates measures": caliper(
        "ToolUseEvent",
        "Used",
        APP,
        generated={"id": ADA, "type": "AggregateMeasureCollection"},
        **{"@context": V1P2},
    ),
    "a page of Open edX": view(object={**PAGE, "type": "Webpage"}, **{"@context": V1P2}),
    "a topic of Canvas": caliper("ThreadEvent", "Created", {"id": ADA, "type": "Thread", "name": "Week 10"}),
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


@pytest.mark.parametrize("event", ACCEPTED.values(), ids=ACCEPTED)
def test_an_event_is_accepted(event: dict[str, Any]) -> None:
    found = decoded(event)
    assert found.invalid == []
    assert len(found.events) == 1
