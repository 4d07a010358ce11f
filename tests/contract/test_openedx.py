"""Tracking events of Open edX mean what the xAPI means that Open edX derives from them."""

from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from schemas import event as e
from schemas.dialects import Dialects
from schemas.dialects.mapping import Mapping
from schemas.dialects.openedx.names import NAMES
from schemas.dialects.openedx_options import OpenEdxOptions
from schemas.dialects.xapi.extensions import ATTEMPT
from schemas.dialects.xapi.verbs import VERBS
from schemas.event import NativeEvent
from tests.contract.openedx import ACCOUNT, BLOCK, PAIRS, ROOT, TIME, checked, facts, line_of, read, tracked
from tests.events import processed, record
from tests.shared_data import SHARED, needs

PLAIN: Final = Dialects()
AS_XAPI: Final = Dialects(Mapping(openedx=OpenEdxOptions(root_url=f"{ROOT}/", students={"3": ACCOUNT})))
"""Calls students and items as Open edX's xAPI does."""
ROOTED: Final = Dialects(Mapping(openedx=OpenEdxOptions(root_url="http://localhost:18000")))
"""Calls items as the real statements do; their students are anonymous."""
EVENTS: Final = {name: event for name, (event, _) in PAIRS.items()}
_REAL: Final = SHARED / "openedx"
_NOT_OF_BOTH: Final = ("event_id", "voidable", "course_id", "source", "act_ids")
"""A statement has an id, which can be voided; Open edX names the course in its context."""

_OF_ANOTHER_MEANING: Final = (
    "edx.course.enrollment.activated",
    "edx.grades.problem.submitted",
    "edx.problem.hint.demandhint_displayed",
    "stop_video",
)
"""Events of which Open edX derives Caliper of another meaning (docs/dialects.md)."""


def said(event: NativeEvent) -> dict[str, Any]:
    """What an event says that both forms say."""
    return {name: getattr(event, name) for name in event.__struct_fields__ if name not in _NOT_OF_BOTH}


@pytest.mark.parametrize("name", PAIRS)
def test_an_event_means_what_the_statement_means(name: str) -> None:
    event, statement = PAIRS[name]
    found, expected = read(event, AS_XAPI), read(statement, AS_XAPI)

    assert [*found.invalid, *found.ignored, *expected.invalid, *expected.ignored] == []
    assert list(map(said, found.events)) == list(map(said, expected.events))
    assert [each.act_ids for each in found.events] == [each.act_ids for each in expected.events]
    assert facts(event, AS_XAPI) == facts(statement, AS_XAPI)


@pytest.mark.parametrize("name", PAIRS)
def test_a_line_of_the_log_is_the_event_that_is_routed(name: str) -> None:
    event, _ = PAIRS[name]

    assert read(line_of(event), PLAIN) == read(event, PLAIN)


def test_every_name_is_of_a_verb_that_xapi_has_a_kind_for() -> None:
    assert {derived.verb for derived in NAMES.values()} <= VERBS.keys()
    assert len(NAMES) >= 75


def test_an_event_that_comes_again_in_the_other_form_is_a_repeat() -> None:
    event = tracked("problem_check", checked(1, 1, b1_2_1=True))
    both = [record(orjson.dumps(each), offset, key=None) for offset, each in enumerate((event, line_of(event)))]

    counts = processed(both).counts

    assert (counts.applied, counts.duplicates) == (1, 1)


def test_an_attempt_that_the_statement_tells_too_counts_once() -> None:
    event, statement = PAIRS["an answer that is right"]
    both = [record(orjson.dumps(each), offset, key=None) for offset, each in enumerate((event, statement))]
    decoded = [AS_XAPI.decode(each).events[0] for each in both]

    assert decoded[0].act_ids == decoded[1].act_ids
    assert decoded[0].student_id == decoded[1].student_id


@pytest.mark.parametrize(
    ("changes", "student"),
    [
        ({}, "openedx:user_id/3"),
        ({"user_id": "3"}, "openedx:user_id/3"),
        ({"user_id": None}, "openedx:username/ada"),
        ({"user_id": "", "username": ""}, None),
        ({"user_id": None, "username": None}, None),
        ({"user_id": True, "username": []}, None),
    ],
)
def test_the_student_is_the_user_by_id_else_by_name(changes: dict[str, Any], student: str | None) -> None:
    found = read(tracked("showanswer", {"problem_id": BLOCK}, **changes), PLAIN)

    assert [event.student_id for event in found.events] == ([student] if student else [])
    assert [ignored.name for ignored in found.ignored] == ([] if student else ["showanswer (anonymous)"])


def test_the_user_is_looked_for_in_the_data_and_at_the_top_where_the_context_has_none() -> None:
    bare: dict[str, Any] = {"user_id": None, "username": None}

    of_data = read(tracked("edx.course.enrollment.activated", {"user_id": 4, "username": "bo"}, **bare), PLAIN)
    of_top = read({**tracked("edx.course.enrollment.activated", **bare), "username": "cleo"}, PLAIN)

    assert [found.events[0].student_id for found in (of_data, of_top)] == ["openedx:user_id/4", "openedx:username/cleo"]


def test_a_mapping_has_students_known_by_name_and_renames_them() -> None:
    options = OpenEdxOptions(student="username")
    event = tracked("showanswer", {"problem_id": BLOCK})

    assert read(event, Dialects(Mapping(openedx=options))).events[0].student_id == "openedx:username/ada"
    assert read(line_of(event), Dialects(Mapping(openedx=options))).events[0].student_id == "openedx:username/ada"
    assert read(event, AS_XAPI).events[0].student_id == f"{ROOT}/{ACCOUNT}"


def test_what_is_written_is_read_only_where_the_mapping_says_so() -> None:
    event = tracked(
        "edx.forum.comment.created", {"id": "64d1", "body": "<p>I see.</p>"}, path="/api/discussion/v1/comments/"
    )

    [unread] = read(event, PLAIN).events
    [message] = read(event, Dialects(Mapping(openedx=OpenEdxOptions(texts=True)))).events

    assert isinstance(unread, e.Message)
    assert isinstance(message, e.Message)
    assert (unread.text, message.text) == ("", "I see.")
    assert message.in_reply_to == "/api/discussion/v1/comments/64d1"


def test_a_mapping_gives_other_events_a_kind() -> None:
    event = tracked("openassessmentblock.create_submission", {"submission_uuid": "s1"}, module={"usage_key": BLOCK})
    mapping = Mapping(openedx=OpenEdxOptions(kinds={"openassessmentblock.create_submission": "submission"}))

    [submission] = read(event, Dialects(mapping)).events
    assert isinstance(submission, e.Submission)
    assert submission.item_id == BLOCK
    assert [each.name for each in read(event, PLAIN).ignored] == ["openassessmentblock.create_submission"]


def test_a_mapped_verb_holds_for_the_events_that_come_to_it() -> None:
    mapping = Mapping(xapi={"http://adlnet.gov/expapi/verbs/asked": "asked"})

    [event] = read(tracked("showanswer", {"problem_id": BLOCK}), Dialects(mapping)).events
    assert isinstance(event, e.Collaboration)


@pytest.mark.parametrize(
    ("document", "names"),
    [
        ({**tracked("x"), "name": None, "event_type": "/courses/c/xblock/b", "event_source": "server"}, ["request"]),
        (tracked("edx.bookmark.added", {"id": BLOCK}), ["edx.bookmark.added"]),
        (tracked("problem_check", None, source="browser", course_id=None), ["problem_check (no item)"]),
        (tracked("showanswer", []), ["showanswer (no item)"]),
        (tracked("play_video", {"id": ""}), ["play_video (no item)"]),
    ],
)
def test_what_means_nothing_is_ignored_by_name(document: dict[str, Any], names: list[str]) -> None:
    found = read({name: value for name, value in document.items() if value is not None}, PLAIN)

    assert [(each.dialect, each.name) for each in found.ignored] == [("openedx", name) for name in names]
    assert [PLAIN.vocabulary.label("openedx", name) for name in names] == [
        name if name.startswith(("request", "problem", "show", "play")) else "other" for name in names
    ]


@pytest.mark.parametrize(
    ("change", "reason", "error"),
    [
        ({"timestamp": "yesterday"}, "openedx_invalid", "timestamp: not an ISO 8601 timestamp"),
        ({"timestamp": 1772449200}, "openedx_invalid", "timestamp: not an ISO 8601 timestamp"),
        ({"context": ["ada"]}, "openedx_invalid", "context: not an object"),
        ({"timestamp": "1970-01-01T00:00:00Z"}, "absurd_time", "before 1990"),
    ],
)
def test_what_cannot_be_read_is_a_dead_letter_that_says_why(change: dict[str, Any], reason: str, error: str) -> None:
    [invalid] = read({**tracked("showanswer", {"problem_id": BLOCK}), **change}, PLAIN).invalid

    assert (invalid.reason, invalid.schema_guess) == (reason, "openedx")
    assert error in invalid.error


@pytest.mark.parametrize(
    "document",
    [
        {"name": "x", "context": {}},
        {"name": "x", "timestamp": TIME},
        {"event_type": "x", "event": "{}"},
        {"name": 3, "timestamp": TIME, "context": {}},
    ],
)
def test_what_only_looks_a_little_like_one_is_of_no_dialect(document: dict[str, Any]) -> None:
    assert [invalid.reason for invalid in read(document, PLAIN).invalid] == ["no_dialect"]


def test_native_events_with_names_and_contexts_of_their_own_stay_native() -> None:
    document = {"version": 1, "type": "hint", "event_id": "h", "name": "x", "context": {}, "timestamp": TIME}

    assert [invalid.schema_guess for invalid in read(document, PLAIN).invalid] == ["native"]


def test_items_are_called_by_their_keys_and_with_an_address_as_in_the_statements() -> None:
    ccx = tracked("play_video", {"id": "v1"}, course_id="ccx-v1:U+C+2026+ccx@1")
    old = tracked("play_video", {"id": "i4x-U-C-video-v1"}, course_id="U/C/2026")

    [of_ccx], [of_old] = (read(each, PLAIN).events for each in (ccx, old))
    assert isinstance(of_ccx, e.Media)
    assert isinstance(of_old, e.Media)
    assert of_ccx.media_id == "ccx-block-v1:U+C+2026+ccx@1+type@video+block@v1"
    assert of_old.media_id == "i4x-U-C-video-v1"
    assert read(ccx, AS_XAPI).events[0].course_id == f"{ROOT}/course/ccx-v1:U+C+2026+ccx@1"


def test_a_cloudevent_carries_one_and_names_its_questions_apart() -> None:
    data = tracked("problem_check", checked(1, 2, b1_2_1=True, b1_3_1=False))
    envelope = {"specversion": "1.0", "id": "e1", "source": "/lms", "type": "org.openedx.tracking", "data": data}

    events = read(envelope, PLAIN).events
    assert len({event.event_id for event in events}) == 3


@needs("openedx")
@pytest.mark.parametrize("path", sorted((_REAL / "raw").glob("*.json")), ids=lambda path: path.name)
def test_a_real_event_means_what_its_real_statement_means(path: Path) -> None:
    document = orjson.loads(path.read_bytes())
    found = read(document, ROOTED)
    assert not found.invalid
    statement_path = _REAL / "xapi" / path.name
    if not statement_path.exists():
        return
    statement = with_attempts(orjson.loads(statement_path.read_bytes()), document)
    expected = read(statement, ROOTED)
    if expected.invalid:  # the statement that Open edX does not send, since it is about nothing
        assert "`id` is missing" in expected.invalid[0].error
        assert [ignored.name for ignored in found.ignored] == ["problem_check (no item)"]
        return
    of_both = [*_NOT_OF_BOTH, "student_id"]
    assert [{n: v for n, v in said(each).items() if n not in of_both} for each in found.events] == [
        {n: v for n, v in said(each).items() if n not in of_both} for each in expected.events
    ]
    assert list(facts(document, ROOTED).values()) == list(facts(statement, ROOTED).values())


def with_attempts(statement: Any, event: dict[str, Any]) -> Any:
    """A statement with the attempt's number that a line of the log says.

    Open edX derives it from lines, too: its bulk command copies `event` to `data` first. These statements were made of
    the lines as they are.
    """
    number = event["event"].get("attempts") if "event" in event else None
    for each in statement if isinstance(statement, list) else [statement]:
        if number is not None:
            each["object"]["definition"].setdefault("extensions", {})[ATTEMPT] = number
    return statement


@needs("openedx")
@pytest.mark.parametrize("path", sorted((_REAL / "caliper").glob("*.json")), ids=lambda path: path.name)
def test_the_caliper_of_a_real_event_is_read_and_differs_where_the_page_says(path: Path) -> None:
    decoded = PLAIN.decode(record(path.read_bytes()))
    if decoded.invalid:
        assert "2.2-id" in decoded.invalid[0].error  # about nothing, as its statement
        return
    found = read(orjson.loads((_REAL / "raw" / path.name).read_bytes()), PLAIN)
    same = [type(event) for event in found.events] == [type(event) for event in decoded.events]
    assert same or path.name.startswith(_OF_ANOTHER_MEANING), path.name
