"""Which native event a statement becomes, and what it says."""

from datetime import UTC, datetime
from typing import Any, Final

import orjson
import pytest

from schemas import event as e
from schemas.dialects import Dialects
from schemas.dialects.act import KINDS
from schemas.dialects.families import FAMILIES as NAMED_FAMILIES
from schemas.dialects.mapping import Mapping
from schemas.dialects.students import StudentRule
from schemas.dialects.xapi import Xapi
from schemas.dialects.xapi.activities import ACTIVITY_FAMILIES, BROADER
from schemas.dialects.xapi.senses import Sense
from schemas.dialects.xapi.verbs import VERBS
from schemas.event import EventBase, NativeEvent
from tests.contract.xapi_statements import (
    ACROSSX,
    ADA,
    ADL,
    ADL_TYPE,
    BEN,
    FILM,
    ID,
    ITEM,
    KEY_OF_ADA,
    KEY_OF_BEN,
    OTHER_ID,
    TINCAN,
    TINCAN_TYPE,
    VIDEO,
    decoded,
    event_of,
    statement,
)  # fmt: skip
from tests.events import fields, record

ADL_W3: Final = "https://w3id.org/xapi/adl/verbs/"
EDLM: Final = "https://xapi.edlm/profiles/edlm-lms/concepts/"
FOR: Final = "https://yetanalytics.com/profiles/prepositions/concepts/context-extensions/for"
STREAMS: Final = "http://activitystrea.ms/schema/1.0/"
OPEN_EDX: Final = "https://w3id.org/xapi/openedx/"
BRINDLE_WAYE: Final = "https://brindlewaye.com/xAPITerms/verbs/"
DOD: Final = "https://w3id.org/xapi/dod-isd/verbs/"
SUPPLEMENTAL: Final = "https://w3id.org/xapi/acrossx/extensions/supplemental-info"
QUESTION: Final = f"{ADL_TYPE}question"
INTERACTION: Final = f"{ADL_TYPE}cmi.interaction"
ASSESSMENT: Final = f"{ADL_TYPE}assessment"
COURSE: Final = f"{ADL_TYPE}course"
MODULE: Final = f"{ADL_TYPE}module"
FORUM: Final = f"{TINCAN_TYPE}discussion"
SCORED: Final[dict[str, Any]] = {"result": {"score": {"scaled": 0.75}}}
SAID: Final[dict[str, Any]] = {"result": {"response": "I tried again"}}
ESSAY: Final[dict[str, Any]] = {"object": {"id": ITEM, "definition": {"interactionType": "long-fill-in"}}}
PERSON: Final[dict[str, Any]] = {"object": {"objectType": "Agent", **BEN}}
REF: Final[dict[str, Any]] = {"object": {"objectType": "StatementRef", "id": OTHER_ID.upper()}}
SUB: Final[dict[str, Any]] = {
    "object": {"objectType": "SubStatement", "actor": ADA, "verb": {"id": f"{ADL}passed"}, "object": {"id": ITEM}}
}


def said(event: NativeEvent) -> dict[str, Any]:
    """What an event says besides who, when, where and which."""
    common = EventBase.__struct_fields__
    return {
        name: value
        for name in event.__struct_fields__
        if name not in common and (value := getattr(event, name)) not in (None, 0, False, "")
    }


def progress(value: object, name: str = "video/extensions/progress") -> dict[str, Any]:
    return {"result": {"extensions": {f"https://w3id.org/xapi/{name}": value}}}


OUTCOMES: Final[dict[str, tuple[dict[str, Any], type[NativeEvent], dict[str, Any]]]] = {
    "an answer with a score": (statement(**SCORED), e.Attempt, {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "a right answer": (
        statement(f"{ADL}answered", INTERACTION, result={"success": True, "duration": "PT1M30S"}),
        e.Attempt, {"item_id": ITEM, "score": 1.0, "duration_s": 90.0, "attempt": 1, "success": True}),
    "a score below zero": (statement(result={"score": {"scaled": -0.5}}), e.Attempt, {"item_id": ITEM, "attempt": 1}),
    "a raw score": (
        statement(result={"score": {"raw": 6, "min": 2, "max": 10}}), e.Attempt,
        {"item_id": ITEM, "score": 0.5, "attempt": 1}),
    "a raw score from zero": (
        statement(result={"score": {"raw": 2, "max": 8}}), e.Attempt, {"item_id": ITEM, "score": 0.25, "attempt": 1}),
    "a raw score of who knows how much": (statement(result={"score": {"raw": 2}}), e.Navigation, {"page": ITEM}),
    "nothing to be scored, and so no success": (
        statement(result={"score": {"raw": 0, "scaled": 0, "min": 0, "max": 0}, "success": True}), e.Navigation,
        {"page": ITEM}),
    "nothing to be scored, and wrong": (
        statement(result={"score": {"raw": 0, "scaled": 0, "min": 0, "max": 0}, "success": False}), e.Attempt,
        {"item_id": ITEM, "attempt": 1}),
    "a scaled score from -1 to 1 beside a raw one": (
        statement(result={"score": {"raw": 70, "min": 0, "max": 100, "scaled": 0.4}}), e.Attempt,
        {"item_id": ITEM, "score": 0.7, "attempt": 1}),
    "a scaled score beside a raw one of who knows how little": (
        statement(result={"score": {"raw": 5, "max": 10, "scaled": 0.75}}), e.Attempt,
        {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "a scaled score below zero beside a raw one from zero": (
        statement(result={"score": {"raw": 2, "max": 8, "scaled": -0.5}}), e.Attempt,
        {"item_id": ITEM, "score": 0.25, "attempt": 1}),
    "a scaled score below zero beside a raw one below zero": (
        statement(result={"score": {"raw": -2, "max": 8, "scaled": -0.2}}), e.Attempt,
        {"item_id": ITEM, "attempt": 1}),
    "a raw score below zero": (
        statement(result={"score": {"raw": -2, "min": -5, "max": 5}}), e.Attempt,
        {"item_id": ITEM, "score": 0.3, "attempt": 1}),
    "a raw score without a most": (
        statement(result={"score": {"raw": 3, "min": 0}}), e.Navigation, {"page": ITEM}),
    "a success at the least, whatever is the most": (
        statement(result={"score": {"raw": -1, "min": -1}, "success": True}), e.Attempt,
        {"item_id": ITEM, "attempt": 1}),
    "a success at a raw zero": (
        statement(result={"score": {"raw": 0}, "success": True}), e.Attempt, {"item_id": ITEM, "attempt": 1}),
    "Moodle: a success at zero": (
        statement(f"{ADL}completed", ASSESSMENT, result={
            "score": {"raw": 0, "min": 0, "max": 100, "scaled": -1}, "completion": True, "success": True}),
        e.Attempt, {"item_id": ITEM, "attempt": 1}),
    "a pass at zero, by its verb": (
        statement(f"{ADL}passed", result={"score": {"raw": 0, "min": 0, "max": 100}, "success": True}),
        e.Attempt, {"item_id": ITEM, "attempt": 1, "success": True}),
    "nothing to be scored, and a scaled score": (
        statement(result={"score": {"scaled": 0.8, "min": 0, "max": 0}}), e.Attempt,
        {"item_id": ITEM, "score": 0.8, "attempt": 1}),
    "an answer that nothing came of": (statement(), e.Navigation, {"page": ITEM}),
    "an essay, not marked": (
        statement(**ESSAY, **SAID), e.Reflection, {"text": "I tried again", "item_id": ITEM, "asked_for": True}),
    "an essay of an editor's, not marked": (
        statement(f"{ADL}responded", **ESSAY, result={"response": "<p>I <b>tried</b>&nbsp;again</p>"}),
        e.Reflection, {"text": "I tried again", "item_id": ITEM, "asked_for": True}),
    "an essay of no words in an editor's markup": (
        statement(**ESSAY, result={"response": "<p><br></p>"}), e.Navigation, {"page": ITEM}),
    "an empty essay": (statement(**ESSAY), e.Navigation, {"page": ITEM}),
    "an essay, marked": (statement(**ESSAY, **SCORED), e.Attempt, {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "an answer in a forum": (statement(f"{ADL}answered", FORUM, **SAID), e.Collaboration, {"act": "answered"}),
    "Open edX: a problem checked": (
        statement(
            f"{ACROSSX}evaluated",
            object={"id": ITEM, "definition": {
                "type": INTERACTION, "interactionType": "choice",
                "extensions": {"http://id.tincanapi.com/extension/attempt-id": 3}}},
            result={"success": False, "response": "a", "score": {"min": 0, "max": 4, "raw": 1, "scaled": 0.25}}),
        e.Attempt, {"item_id": ITEM, "score": 0.25, "attempt": 3}),
    "Open edX: a hint": (statement(f"{ADL}asked", SUPPLEMENTAL), e.Hint, {"item_id": ITEM}),
    "Open edX: the answer shown": (statement(f"{ADL}asked", f"{TINCAN_TYPE}solution"), e.Hint, {"item_id": ITEM}),
    "Open edX of old: the answer shown": (statement(f"{ADL}asked", INTERACTION), e.Hint, {"item_id": ITEM}),
    "Open edX: a post": (
        statement(f"{ACROSSX}posted", FORUM, **SAID), e.Message, {"text": "I tried again"}),
    "Open edX: a thread": (
        statement(f"{ACROSSX}posted", object={
            "id": "https://lms.example/api/discussion/v1/threads/1", "definition": {"type": FORUM}}), e.Message, {}),
    "Open edX: a response": (
        statement(f"{ACROSSX}posted", object={
            "id": "https://lms.example/api/discussion/v1/comments/2", "definition": {"type": FORUM}}),
        e.Message, {"in_reply_to": "https://lms.example/api/discussion/v1/comments/2"}),
    "Open edX: a vote": (statement(f"{OPEN_EDX}verb/voted", FORUM), e.Collaboration, {"act": "agreed"}),
    "Open edX: enrolled": (statement(f"{ADL}registered", COURSE), e.Session, {"phase": "enrolled"}),
    "Open edX: left": (statement(f"{TINCAN}unregistered", COURSE), e.Navigation, {"page": ITEM}),
    "Open edX: a unit opened": (statement(f"{ADL}initialized", MODULE), e.Navigation, {"page": ITEM}),
    "Open edX: an exam begun": (
        statement(f"{ADL}initialized", f"{OPEN_EDX}activity/timed-assessment"), e.Session, {"phase": "start"}),
    "Open edX: how far in the course is no score": (
        statement(f"{ADL}progressed", COURSE, **SCORED), e.Navigation, {"page": ITEM}),
    "Open edX: a grade reckoned anew is no answer": (
        statement(f"{TINCAN}earned", COURSE, **SCORED), e.Navigation, {"page": ITEM}),
    "a question in a forum": (statement(f"{ADL}asked", FORUM, **SAID), e.Collaboration, {"act": "asked"}),
    "a question asked": (statement(f"{ADL}asked", QUESTION), e.Collaboration, {"act": "asked"}),
    "a comment": (statement(f"{ADL}commented", "", **SAID), e.Message, {"text": "I tried again", "in_reply_to": ITEM}),
    "a comment on a statement": (
        statement(f"{ADL}commented", **REF, **SAID), e.Message, {"text": "I tried again", "in_reply_to": OTHER_ID}),
    "a comment on what was only thought of": (
        statement(f"{ADL}commented", **SUB, **SAID), e.Message, {"text": "I tried again"}),
    "Moodle: a reply": (
        statement(f"{TINCAN}replied", FORUM, **SAID), e.Message, {"text": "I tried again", "in_reply_to": ITEM}),
    "Moodle: a quiz begun": (statement(f"{STREAMS}start", ASSESSMENT), e.Session, {"phase": "start"}),
    "Moodle: a discussion begun": (
        statement("http://activitystrea.ms/create", FORUM), e.Message, {}),
    "Moodle: work handed in": (
        statement(f"{STREAMS}submit", f"{TINCAN_TYPE}school-assignment"), e.Submission, {"item_id": ITEM}),
    "Moodle: a grade": (
        statement(f"{ADL}scored", f"{TINCAN_TYPE}school-assignment", result={"score": {"raw": 8, "max": 10}}),
        e.Attempt, {"item_id": ITEM, "score": 0.8, "attempt": 1}),
    "Moodle: a grade, by TLA": (
        statement("https://w3id.org/xapi/tla/verbs/scored", f"{EDLM}activity-types/submission", result={
            "score": {"raw": 1, "min": 0, "max": 2, "scaled": 0}, "success": True}),
        e.Attempt, {"item_id": ITEM, "score": 0.5, "attempt": 1, "success": True}),
    "Moodle: a quiz put aside, by TLA": (
        statement("https://w3id.org/xapi/tla/verbs/suspended", ASSESSMENT), e.Session, {"phase": "end"}),
    "Moodle: a lesson resumed, by TLA": (
        statement("https://w3id.org/xapi/tla/verbs/resumed", f"{EDLM}activity-types/lesson-session"), e.Session,
        {"phase": "start"}),
    "Moodle: a badge": (statement("https://w3id.org/xapi/tla/verbs/achieved", ""), e.Navigation, {"page": ITEM}),
    "Moodle: logged in, by EDLM": (statement(f"{EDLM}verbs/login", ""), e.Session, {"phase": "start"}),
    "Moodle: logged out, by EDLM": (statement(f"{EDLM}verbs/logout", ""), e.Session, {"phase": "end"}),
    "Moodle: enrolled, by EDLM": (statement(f"{EDLM}verbs/enrolled", COURSE), e.Session, {"phase": "enrolled"}),
    "Moodle: time exceeded, by EDLM": (statement(f"{EDLM}verbs/exceeded", ASSESSMENT), e.Navigation, {"page": ITEM}),
    "Moodle: a lesson restarted, by EDLM": (
        statement(f"{EDLM}verbs/restarted", f"{EDLM}activity-types/lesson-session"), e.Retry, {"item_id": ITEM}),
    "Moodle: an essay of a lesson assessed for Ada": (
        statement(f"{DOD}assessed", actor=BEN, **ESSAY, **SCORED, context={"extensions": {FOR: ADA}}), e.Attempt,
        {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "an essay assessed, for whoever acts": (
        statement(f"{DOD}assessed", **ESSAY, **SCORED), e.Attempt, {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "Moodle profile: a grade": (
        statement("http://vocab.xapi.fr/verbs/graded", "http://vocab.xapi.fr/activities/web-content", **SCORED),
        e.Attempt, {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "Moodle: logged in": (statement(f"{BRINDLE_WAYE}loggedin/", ""), e.Session, {"phase": "start"}),
    "logged in, without the slash": (statement(f"{BRINDLE_WAYE}loggedin", ""), e.Session, {"phase": "start"}),
    "Moodle: logged out": (statement(f"{BRINDLE_WAYE}loggedout/", ""), e.Session, {"phase": "end"}),
    "Moodle: enrolled": (
        statement("http://www.tincanapi.co.uk/verbs/enrolled_onto_learning_plan", COURSE), e.Session,
        {"phase": "enrolled"}),
    "Moodle of old: a student graded by a teacher": (
        statement("http://www.tincanapi.co.uk/verbs/evaluated", **PERSON, **SCORED), e.Collaboration,
        {"act": "reviewed"}),
    "a quiz done, without result": (statement(f"{ADL}completed", ASSESSMENT), e.Submission, {"item_id": ITEM}),
    "a quiz done": (
        statement(f"{ADL}completed", ASSESSMENT, **SCORED), e.Attempt, {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "a course done": (
        statement(f"{ADL}completed", COURSE, result={"completion": True, "duration": "PT2H"}), e.Session,
        {"phase": "end", "duration_s": 7200.0}),
    "a video done": (statement(f"{ADL}completed", FILM, **progress(1)), e.Media,
                     {"media_id": ITEM, "action": "completed", "progress": 1.0}),
    "a video played": (statement(f"{VIDEO}played", FILM), e.Media, {"media_id": ITEM, "action": "played"}),
    "a video paused": (statement(f"{VIDEO}paused", FILM, **progress(0.25)), e.Media,
                       {"media_id": ITEM, "action": "paused", "progress": 0.25}),
    "a video sought through": (statement(f"{VIDEO}seeked", FILM), e.Media, {"media_id": ITEM, "action": "seeked"}),
    "a video loaded": (statement(f"{ADL}initialized", FILM), e.Navigation, {"page": ITEM}),
    "a video's volume": (statement(f"{ADL}interacted", FILM), e.Navigation, {"page": ITEM}),
    "a video closed": (statement(f"{ADL}terminated", FILM), e.Navigation, {"page": ITEM}),
    "progress in percent": (
        statement(f"{VIDEO}paused", FILM, **progress(40, "cmi5/result/extensions/progress")), e.Media,
        {"media_id": ITEM, "action": "paused", "progress": 0.4}),
    "progress that is none": (
        statement(f"{VIDEO}paused", FILM, **progress("0.4")), e.Media, {"media_id": ITEM, "action": "paused"}),
    "cmi5: begun": (statement(f"{ADL}initialized", ""), e.Session, {"phase": "start"}),
    "cmi5: passed": (
        statement(f"{ADL}passed", "", **SCORED), e.Attempt,
        {"item_id": ITEM, "score": 0.75, "attempt": 1, "success": True}),
    "passed, no score": (
        statement(f"{ADL}passed", ""), e.Attempt, {"item_id": ITEM, "score": 1.0, "attempt": 1, "success": True}),
    "failed, no score": (statement(f"{ADL}failed", ""), e.Failure, {"item_id": ITEM}),
    "failed": (statement(f"{ADL}failed", "", **SCORED), e.Attempt, {"item_id": ITEM, "score": 0.75, "attempt": 1}),
    "cmi5: abandoned": (
        statement(f"{ADL_W3}abandoned", "", result={"duration": "PT5M"}), e.Session,
        {"phase": "end", "duration_s": 300.0}),
    "cmi5: waived": (statement(f"{ADL_W3}waived", "", result={"success": True}), e.Navigation, {"page": ITEM}),
    "logged in": (statement(f"{ADL_W3}logged-in", ""), e.Session, {"phase": "start"}),
    "an attempt begun": (statement(f"{ADL}attempted", COURSE), e.Session, {"phase": "start"}),
    "an interaction shown (H5P)": (statement(f"{ADL}attempted", ""), e.Navigation, {"page": ITEM}),
    "a question skipped": (statement(f"{TINCAN}skipped", QUESTION), e.Failure, {"item_id": ITEM, "gave_up": True}),
    "help wanted": (statement(f"{TINCAN}requested-attention", ""), e.Collaboration, {"act": "asked"}),
    "a peer helped": (statement(f"{TINCAN}mentored", **PERSON), e.Collaboration, {"act": "helped"}),
    "a peer's work marked is not one's own": (
        statement(f"{ADL}scored", **REF, **SCORED), e.Collaboration, {"act": "reviewed"}),
    "a peer's statement passed is not one's own": (
        statement(f"{ADL}passed", **REF, **SCORED), e.Navigation, {"page": OTHER_ID}),
    "what was only thought of did not happen": (statement(f"{ADL}passed", **SUB), e.Navigation, {}),
    "a person met": (statement(f"{ADL}interacted", **PERSON), e.Navigation, {"page": KEY_OF_BEN}),
    "shared": (statement(f"{ADL}shared", ""), e.Collaboration, {"act": "shared"}),
    "liked": (statement(f"{ACROSSX}liked", ""), e.Collaboration, {"act": "agreed"}),
    "disliked": (statement(f"{STREAMS}dislike", ""), e.Collaboration, {"act": "disagreed"}),
    "a note": (
        statement(f"{ACROSSX}annotated", "", **SAID), e.Reflection, {"text": "I tried again", "item_id": ITEM}),
    "a note of no words": (statement(f"{ACROSSX}annotated", ""), e.Navigation, {"page": ITEM}),
    "a page seen": (statement(f"{TINCAN}viewed", ""), e.Navigation, {"page": ITEM}),
    "submitted": (statement(f"{DOD}submitted", ""), e.Submission, {"item_id": ITEM}),
}  # fmt: skip


@pytest.mark.parametrize(("given", "kind", "says"), OUTCOMES.values(), ids=OUTCOMES)
def test_a_statement_becomes(given: dict[str, Any], kind: type[NativeEvent], says: dict[str, Any]) -> None:
    event = event_of(given)
    assert (type(event), said(event)) == (kind, says)
    assert (event.event_id, event.voidable) == (ID, True)
    assert (event.student_id, event.time) == (KEY_OF_ADA, datetime(2026, 3, 2, 11, tzinfo=UTC))


@pytest.mark.parametrize(
    ("did", "scaled", "said", "success"),
    [
        ("failed", 0.7, None, False),  # cmi5: below a masteryScore of 0.8
        ("failed", 0.7, False, False),
        ("passed", 0.4, True, True),
        ("passed", 0.4, False, False),  # what the result says is nearer to what happened than the verb
        ("attempted", 0.6, False, False),  # Open edX: a part of the marks
        ("answered", 0.6, None, None),
    ],
)
def test_success_is_kept_beside_the_score(did: str, scaled: float, said: bool | None, success: bool | None) -> None:
    result = {"score": {"scaled": scaled}} | ({} if said is None else {"success": said})
    event = event_of(statement(f"{ADL}{did}", QUESTION, result=result))
    assert isinstance(event, e.Attempt)
    assert (event.score, event.success) == (scaled, success)


def test_the_tables_name_kinds_and_families_that_there_are() -> None:
    families = {"", *NAMED_FAMILIES}
    assert set(NAMED_FAMILIES) == {"essay", "person", "statement", *ACTIVITY_FAMILIES}
    assert set(BROADER) | set(BROADER.values()) <= families
    for senses in VERBS.values():
        assert "" in senses
        assert set(senses) <= families
        for sense in senses.values():
            assert isinstance(sense, Sense)
            assert sense.kind in KINDS
            assert sense.bare in ("", *KINDS)


def test_a_platform_maps_its_own_verbs_and_students() -> None:
    rules = (StudentRule("https://school.example/"),)
    mapping = Mapping(students=rules, xapi={"https://lms.example/peeked": "hint", f"{ADL}asked": "message"})
    peeked = event_of(statement("https://lms.example/peeked"), mapping)
    assert (type(peeked), peeked.student_id) == (e.Hint, "ada")
    assert type(event_of(statement(f"{ADL}asked", INTERACTION), mapping)) is e.Message


def test_a_verb_that_no_table_knows_is_ignored_by_name() -> None:
    [ignored] = decoded(statement("https://lms.example/peeked")).ignored
    assert (ignored.dialect, ignored.name) == ("xapi", "https://lms.example/peeked")


def test_a_voiding_statement_takes_back_what_the_records_student_did() -> None:
    given = statement(f"{ADL}voided", **REF, actor=BEN)
    for key, student in ((b"ada", "ada"), (None, KEY_OF_BEN), (b"\xff", KEY_OF_BEN)):
        [event] = decoded(given, key=key).events
        assert isinstance(event, e.Voided)
        assert (event.event_id, event.voided_id, event.student_id, event.voidable) == (ID, OTHER_ID, student, False)


def test_statements_are_told_from_what_they_are_not() -> None:
    claims = Xapi().claims
    assert claims(statement())
    assert all(claims(statement(**{name: None})) for name in ("actor", "verb", "object"))
    assert claims([5, statement()])
    assert claims({name.title(): part for name, part in statement().items()})
    assert claims({"@context": "https://school.example/context", **statement()})
    assert all(claims(statement(version=version)) for version in (1, 1.0, True))
    for other in ([], {}, 5, [5], {"actor": 1}, {"type": "message", "version": 1, "verb": "x"}):
        assert not claims(other)
    assert not claims({**statement(version=1), "type": "message"})
    caliper = {"@context": "x", "actor": "x", "action": "x", "object": "x"}
    assert not claims(caliper)
    assert not claims({"specversion": "1.0", "verb": "x"})


def test_a_native_event_that_mentions_a_verb_is_still_one() -> None:
    value = {**fields("message"), "verb": "x"}
    assert [type(event) for event in Dialects().decode(record(orjson.dumps(value))).events] == [e.Message]
