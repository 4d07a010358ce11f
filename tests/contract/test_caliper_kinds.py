"""Which native event a Caliper event becomes, whose it is, and what it says."""

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas import event as e
from schemas.dialects.act import KINDS
from schemas.dialects.caliper.context import CONTEXT_VERSIONS
from schemas.dialects.mapping import Mapping
from schemas.dialects.students import StudentRule
from schemas.event import EventBase, NativeEvent
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


def one(event: dict[str, Any], mapping: Mapping | None = None) -> NativeEvent:
    found = decoded(event, mapping or Mapping())
    assert (found.invalid, found.ignored) == ([], [])
    [event_of] = found.events
    return event_of


def ignored(event: dict[str, Any]) -> str:
    found = decoded(event)
    assert (found.invalid, found.events) == ([], [])
    [name] = found.ignored
    return name.name


def said(event: NativeEvent) -> dict[str, Any]:
    """What an event says besides who, when, where and which."""
    common = EventBase.__struct_fields__
    return {
        name: value
        for name in event.__struct_fields__
        if name not in common and (value := getattr(event, name)) not in (None, 0, False)
    }


WORK = {"id": "https://school.example/works/1", "type": "AssignableDigitalResource"}
TIMED = attempt(startedAtTime="2026-03-02T11:00:00.000Z", endedAtTime="2026-03-02T11:30:00.000Z")
SESSION = {"id": ADA, "type": "Session", "user": ADA, "duration": "PT1H", "endedAtTime": "2026-03-02T12:00:00.000Z"}
QUARTER = {"id": FILM["id"], "type": "MediaLocation", "currentTime": "PT5M"}
COMMENT = {"id": ADA, "type": "Comment", "commenter": ADA, "value": "Clear."}
RESULT = {"id": ADA, "type": "Result", "resultScore": 10, "maxResultScore": 20}
EXTENDED = [f"{V1P1}/FeedbackProfile-extension", V1P1]
DUE = datetime(2026, 3, 5, 12, tzinfo=UTC)

KIND_OF = {
    "a quiz begun": (caliper("AssessmentEvent", "Started", QUIZ, generated=attempt()), e.Session, {"phase": "start"}),
    "a quiz begun again": (
        caliper("AssessmentEvent", "Started", QUIZ, generated=attempt(count=2)),
        e.Retry,
        {"item_id": QUIZ["id"]},
    ),
    "a quiz restarted": (caliper("AssessmentEvent", "Restarted", QUIZ), e.Retry, {"item_id": QUIZ["id"]}),
    "a quiz paused": (caliper("AssessmentEvent", "Paused", QUIZ), e.Navigation, {"page": QUIZ["id"]}),
    "a quiz handed in": (
        caliper("AssessmentEvent", "Submitted", QUIZ, generated=TIMED),
        e.Submission,
        {"item_id": QUIZ["id"], "due": DUE},
    ),
    "a thinned quiz handed in": (
        caliper("AssessmentEvent", "Submitted", QUIZ["id"], generated=attempt(QUIZ["id"])),
        e.Submission,
        {"item_id": QUIZ["id"]},
    ),
    "an attempt handed in": (
        caliper("AssignableEvent", "Submitted", attempt()),
        e.Submission,
        {"item_id": QUIZ["id"], "due": DUE},
    ),
    "work finished": (
        caliper("AssignableEvent", "Completed", QUIZ, generated=TIMED),
        e.Session,
        {"phase": "end", "duration_s": 1800.0},
    ),
    "work abandoned": (
        caliper("AssignableEvent", "Abandoned", QUIZ),
        e.Failure,
        {"item_id": QUIZ["id"], "gave_up": True},
    ),
    "an item skipped": (
        caliper("AssessmentItemEvent", "Skipped", ITEM),
        e.Failure,
        {"item_id": ITEM["id"], "gave_up": True},
    ),
    "an item answered, not yet marked": (
        caliper("AssessmentItemEvent", "Completed", ITEM, generated={"id": ADA, "type": "Response"}),
        e.Navigation,
        {"page": ITEM["id"]},
    ),
    "an item marked": (
        caliper("GradeEvent", "Graded", attempt(ITEM, 3, duration="PT90S"), actor=GRADER, generated=grade()),
        e.Attempt,
        {"item_id": ITEM["id"], "score": 0.75, "attempt": 3, "duration_s": 90.0},
    ),
    "a quiz marked": (
        caliper("GradeEvent", "Graded", attempt(QUIZ), actor=GRADER, generated=grade()),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 0.75, "attempt": 1},
    ),
    "a mark whose most the quiz says": (
        caliper("GradeEvent", "Graded", attempt(QUIZ), generated={"id": ADA, "type": "Score", "scoreGiven": 5}),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 0.25, "attempt": 1},
    ),
    "a mark that names the attempt": (
        caliper("GradeEvent", "Graded", "https://school.example/attempts/1", generated={**grade(), "attempt": TIMED}),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 0.75, "attempt": 1, "duration_s": 1800.0},
    ),
    "Open edX: a mark that has its score and its attempt in other places": (
        caliper(
            "GradeEvent",
            "Graded",
            {
                "id": "https://school.example/attempts/1",
                "type": "Attempt",
                "extensions": {"assignable": QUIZ, "assignee": {"id": ADA, "type": "Person"}, "count": 3},
            },
            generated={"score": {**grade(), "attempts": 3, "extensions": {"success": "True"}}},
        ),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 0.75, "attempt": 3},
    ),
    "a mark that has its score within what was generated, beside its type": (
        caliper(
            "GradeEvent", "Graded", attempt(), generated={"id": "urn:s", "type": "Score", "score": {"scoreGiven": 15}}
        ),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 0.75, "attempt": 1},
    ),
    "Canvas: a quiz handed in": (
        caliper("AssessmentEvent", "Submitted", attempt(QUIZ["id"])),
        e.Submission,
        {"item_id": QUIZ["id"]},
    ),
    "Canvas: a message in markup": (
        caliper("MessageEvent", "Posted", {**NOTE, "body": "<p>I&#39;m <b>sorry</b></p>"}),
        e.Message,
        {"text": "I'm sorry"},
    ),
    "extra credit": (
        caliper("GradeEvent", "Graded", attempt(QUIZ), generated=grade(25, 20)),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 1.0, "attempt": 1},
    ),
    "an outcome, deprecated": (
        caliper("OutcomeEvent", "Graded", attempt(QUIZ), generated=RESULT),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 0.5, "attempt": 1},
    ),
    "a film paused": (
        caliper("MediaEvent", "Paused", FILM, target=QUARTER),
        e.Media,
        {"media_id": FILM["id"], "action": "paused", "progress": 0.25},
    ),
    "a film resumed": (
        caliper("MediaEvent", "Resumed", FILM, target=QUARTER),
        e.Media,
        {"media_id": FILM["id"], "action": "played", "progress": 0.25},
    ),
    "a jump in a film": (
        caliper("MediaEvent", "JumpedTo", FILM["id"], target=QUARTER),
        e.Media,
        {"media_id": FILM["id"], "action": "seeked"},
    ),
    "a film's end": (caliper("MediaEvent", "Ended", FILM), e.Media, {"media_id": FILM["id"], "action": "completed"}),
    "a film made louder": (caliper("MediaEvent", "ChangedVolume", FILM), e.Navigation, {"page": FILM["id"]}),
    "a message": (caliper("MessageEvent", "Posted", NOTE), e.Message, {"text": NOTE["body"]}),
    "a reply": (
        caliper("MessageEvent", "Posted", {**NOTE, "replyTo": {"id": PAGE["id"], "type": "Message"}}),
        e.Message,
        {"text": NOTE["body"], "in_reply_to": PAGE["id"]},
    ),
    "a message read": (caliper("MessageEvent", "MarkedAsRead", NOTE), e.Navigation, {"page": NOTE["id"]}),
    "a page shared": (caliper("AnnotationEvent", "Shared", PAGE), e.Collaboration, {"act": "shared"}),
    "a page marked": (caliper("AnnotationEvent", "Bookmarked", PAGE), e.Navigation, {"page": PAGE["id"]}),
    "a login": (caliper("SessionEvent", "LoggedIn", APP), e.Session, {"phase": "start"}),
    "a logout": (
        caliper("SessionEvent", "LoggedOut", APP, session=SESSION),
        e.Session,
        {"phase": "end", "duration_s": 3600.0},
    ),
    "a subscription": (caliper("ForumEvent", "Subscribed", FORUM), e.Navigation, {"page": FORUM["id"]}),
    "a comment, in 1.2": (
        caliper(
            "FeedbackEvent",
            "Commented",
            PAGE,
            generated={"id": ADA, "type": "Comment", "value": "Well put"},
            **{"@context": V1P2},
        ),
        e.Message,
        {"text": "Well put"},
    ),
    "a comment, by an extension of 1.1's profiles": (
        caliper(
            "FeedbackEvent", "Commented", PAGE, generated=COMMENT, **{"@context": f"{V1P1}/FeedbackProfile-extension"}
        ),
        e.Message,
        {"text": "Clear."},
    ),
    "a comment, by an extension that is named before 1.1": (
        caliper("FeedbackEvent", "Commented", PAGE, generated=COMMENT, **{"@context": EXTENDED}),
        e.Message,
        {"text": "Clear."},
    ),
    "an outcome, deprecated, beside an extension": (
        caliper("OutcomeEvent", "Graded", attempt(QUIZ), generated=RESULT, **{"@context": EXTENDED}),
        e.Attempt,
        {"item_id": QUIZ["id"], "score": 0.5, "attempt": 1},
    ),
    "anything else done": (caliper("Event", "Created", PAGE), e.Navigation, {"page": PAGE["id"]}),
}


@pytest.mark.parametrize(("event", "kind", "says"), KIND_OF.values(), ids=KIND_OF)
def test_an_event_becomes_its_kind(event: dict[str, Any], kind: type, says: dict[str, Any]) -> None:
    found = one(event)
    assert (type(found), said(found)) == (kind, {name: value for name, value in says.items() if value})
    assert (found.student_id, found.time) == (ADA, datetime(2026, 3, 2, 12, tzinfo=UTC))


def test_a_session_that_timed_out_is_its_users() -> None:
    bob = "https://school.example/users/bob"
    session = {**SESSION, "user": {"id": bob, "type": "Person"}}
    found = one(caliper("SessionEvent", "TimedOut", session, actor=APP))
    assert (found.student_id, said(found)) == (bob, {"phase": "end", "duration_s": 3600.0})


ANYBODY = "http://purl.imsglobal.org/caliper/Person"


def member(*roles: str, who: str = ADA) -> dict[str, Any]:
    return {"id": "https://school.example/rosters/1", "type": "Membership", "member": who, "roles": list(roles)}


def test_work_that_was_marked_was_handed_in_too_and_either_counts_once_by_its_attempt() -> None:
    marked = caliper("GradeEvent", "Graded", attempt(WORK), actor=GRADER, generated=grade())
    submission, mark = decoded(marked).events
    assert (type(submission), said(submission)) == (e.Submission, {"item_id": WORK["id"]})
    assert (type(mark), said(mark)) == (e.Mark, {"item_id": WORK["id"], "score": 0.75})
    assert submission.event_id != mark.event_id
    handed_in = one(caliper("AssignableEvent", "Submitted", attempt(WORK)))
    assert handed_in.act_ids == submission.act_ids != mark.act_ids


NO_STUDENT = {
    "a marked attempt that is only named": (
        caliper("GradeEvent", "Graded", "https://school.example/attempts/1", generated=grade()),
        "GradeEvent.Graded (no assignee)",
    ),
    "a marked attempt of nobody": (
        caliper("GradeEvent", "Graded", attempt(assignee=None), generated=grade()),
        "GradeEvent.Graded (no assignee)",
    ),
    "a mark without a score": (caliper("GradeEvent", "Graded", attempt()), "GradeEvent.Graded (no score)"),
    "a mark without a most": (
        caliper("GradeEvent", "Graded", attempt(ITEM), generated={"id": ADA, "type": "Score", "scoreGiven": 5}),
        "GradeEvent.Graded (no score)",
    ),
    "a time-out of nobody's session": (
        caliper("SessionEvent", "TimedOut", "https://school.example/sessions/5", actor=APP, without=["session"]),
        "SessionEvent.TimedOut (no user)",
    ),
    "Canvas: an asset accessed by nobody that it knows": (
        caliper("NavigationEvent", "NavigatedTo", PAGE, actor=APP),
        "NavigationEvent.NavigatedTo (no person)",
    ),
    "an application's act": (caliper("Event", "Created", PAGE, actor=APP), "Event.Created (no person)"),
    "an organization's act": (
        caliper("Event", "Created", PAGE, actor={"id": ADA, "type": "Organization"}),
        "Event.Created (no person)",
    ),
    "an anonymous act, by Caliper's convention": (
        caliper(
            "ViewEvent", "Viewed", PAGE, actor={"id": "http://purl.imsglobal.org/caliper/Person", "type": "Person"}
        ),
        "ViewEvent.Viewed (anonymous)",
    ),
    "an act of a blank node": (caliper("ViewEvent", "Viewed", PAGE, actor="_:b0"), "ViewEvent.Viewed (anonymous)"),
    "an instructor's message": (
        caliper("MessageEvent", "Posted", NOTE, membership=member("Instructor")),
        "MessageEvent.Posted (no learner)",
    ),
    "a teaching assistant's, by an IRI": (
        caliper(
            "MessageEvent",
            "Posted",
            NOTE,
            membership=member("http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"),
        ),
        "MessageEvent.Posted (no learner)",
    ),
    "a further context's type of event": (
        caliper("DanceEvent", "Danced", PAGE, **{"@context": ["https://dance.example/terms", V1P1]}),
        "DanceEvent.Danced",
    ),
    "an extension's type of event, its context written as 1EdTech's example has it": (
        caliper("NotificationEvent", "Notified", PAGE, **{"@context": f"{V1P2}/NotificationProfile-extenstion"}),
        "NotificationEvent.Notified",
    ),
    "a mark of a further context's work, which names its student in a way of its own": (
        caliper(
            "GradeEvent",
            "Graded",
            {"id": PAGE["id"], "type": "Dance", "attempt": {"assignee": {"id": 7}, "count": "many"}},
            generated=grade(),
            **{"@context": ["https://dance.example/terms", V1P1]},
        ),
        "GradeEvent.Graded (no assignee)",
    ),
}


@pytest.mark.parametrize(("event", "name"), NO_STUDENT.values(), ids=NO_STUDENT)
def test_what_is_about_no_student_is_ignored_and_says_why(event: dict[str, Any], name: str) -> None:
    assert ignored(event) == name


@pytest.mark.parametrize(
    "membership",
    [
        member("Learner#GuestLearner"),
        member("Member"),
        member("http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"),
        member("Instructor", "Learner"),
        member("Instructor", who="https://school.example/users/eve"),
        {**member(), "roles": None},
    ],
)
def test_only_roles_that_are_all_others_make_an_actor_no_learner(membership: dict[str, Any]) -> None:
    assert type(one(caliper("MessageEvent", "Posted", NOTE, membership=membership))) is e.Message


def test_a_platforms_mapping_wins_over_the_table_and_the_specification() -> None:
    mapping = Mapping(
        students=(StudentRule("https://school.example/users/", "s:"),),
        caliper={"ViewEvent.Viewed": "hint", "ForumEvent.Upvoted": "agreed", "DanceEvent.Danced": "reflection"},
    )
    hint = one(caliper("ViewEvent", "Viewed", PAGE), mapping)
    assert (type(hint), hint.student_id) == (e.Hint, "s:ada")
    assert said(one(caliper("ForumEvent", "Upvoted", FORUM), mapping)) == {"act": "agreed"}
    assert type(one(caliper("DanceEvent", "Danced", NOTE), mapping)) is e.Reflection
    assert decoded(caliper("ForumEvent", "Downvoted", FORUM), mapping).invalid


def test_a_resent_event_has_the_same_id_however_it_is_written() -> None:
    event = caliper("ViewEvent", "Viewed", PAGE)
    again = decoded(envelope({**event, "id": event["id"].upper().replace("URN:UUID", "urn:uuid")}))
    assert again.events[0].event_id == one(event).event_id


def test_every_action_of_every_version_has_a_kind() -> None:
    for version in CONTEXT_VERSIONS.values():
        for usages in version.events.values():
            assert {usage.kind for usage in usages.values()} <= KINDS.keys()
            assert usages.keys() <= version.actions
