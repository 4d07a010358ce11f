"""Which knowledge components, which course, class and platform statements and Caliper events name."""

from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from agents.config.dialects import load_dialects
from schemas import event as e
from schemas.dialects import Dialects, native
from schemas.event import MAX_COMPONENT_CHARS
from streams.rows.codec import decode_row
from streams.rows.components import components_of
from tests.contract.caliper_events import APP, ITEM, attempt, caliper, grade
from tests.contract.xapi_statements import ADL, ADL_TYPE, ID, OTHER_ID, statement
from tests.contract.xapi_statements import ITEM as XAPI_ITEM
from tests.events import processed, record, rows_of

MAPPING: Final = Path(__file__).parents[2] / "docs" / "mapping.toml"
OBJECTIVE: Final = f"{ADL_TYPE}objective"
COMPETENCY: Final = "https://w3id.org/xapi/tla/activity-types/competency"
A: Final = "https://school.example/objectives/a"
B: Final = "https://school.example/objectives/b"
LONG: Final = "https://school.example/" + "x" * 100


def activity(iri: str, type: str = OBJECTIVE) -> dict[str, Any]:
    return {"id": iri, "definition": {"type": type}}


def answered(dialects: Dialects | None = None, /, **context: Any) -> e.Attempt:
    """What an answer within this context is read as."""
    document = statement(result={"success": True}, context=context)
    [event] = (dialects or Dialects()).decode(record(orjson.dumps(document))).events
    assert isinstance(event, e.Attempt)
    return event


def kcs_of(**held: Any) -> tuple[str, ...] | None:
    return answered(contextActivities=held).kcs


def item(**given: Any) -> dict[str, Any]:
    return {**ITEM, **given}


def graded(of: object, dialects: Dialects | None = None, /, **given: Any) -> e.Attempt:
    """What a grade for an item is read as."""
    document = caliper("GradeEvent", "Graded", attempt(of), generated=grade(), **given)
    decoded = (dialects or Dialects()).decode(record(orjson.dumps(document)))
    [event] = decoded.events
    assert isinstance(event, e.Attempt), decoded
    return event


OBJECTIVES: Final = [{"id": A, "type": "LearningObjective"}, B]


def test_components_are_the_objectives_and_competencies_among_categories_and_grouping() -> None:
    assert kcs_of(category=[activity(A)], grouping=[activity(B, COMPETENCY)]) == (A, B)
    assert kcs_of(grouping=activity(A)) == (A,)
    assert kcs_of(parent=[activity(A)], other=[activity(B)]) is None
    assert kcs_of(category=[activity(A, f"{ADL_TYPE}course"), {"id": B}]) is None


def test_components_of_a_caliper_item_are_its_learning_objectives() -> None:
    assert graded(item(learningObjectives=OBJECTIVES)).kcs == (A, B)
    assert graded(item(alignedLearningObjective=[A])).kcs == (A,)
    assert graded(ITEM).kcs is None


def test_of_many_components_the_first_eight_count_each_once() -> None:
    iris = [f"urn:kc:{number // 2}" for number in range(40)]
    expected = tuple(f"urn:kc:{number}" for number in range(8))

    assert kcs_of(category=[activity(iri) for iri in iris]) == expected
    assert graded(item(learningObjectives=iris)).kcs == expected


def test_a_name_that_is_too_long_keeps_its_end_and_stays_apart_from_others() -> None:
    one, other = kcs_of(category=[activity(f"{LONG}/1/end"), activity(f"{LONG}/2" + "y" * 60)]) or ()
    [alike] = kcs_of(category=[activity(f"{LONG}/3/end")]) or ()

    assert len(one) == len(other) == MAX_COMPONENT_CHARS
    assert one.endswith("/1/end")
    assert len({one, other, alike, *(graded(item(learningObjectives=[f"{LONG}/1/end"])).kcs or ())}) == 3


def test_what_a_statement_answered_is_counted_by_component_until_it_is_voided() -> None:
    answer = statement(result={"success": True}, context={"contextActivities": {"category": [activity(A)]}})
    voids = statement(f"{ADL}voided", id=OTHER_ID, object={"objectType": "StatementRef", "id": ID})
    several = [record(orjson.dumps(document), offset, key=None) for offset, document in enumerate((answer, voids))]

    [answered_row], [voided_row] = (rows_of(processed(several[:count])).values() for count in (1, 2))

    assert [each[:3] for each in components_of(decode_row(answered_row).components)] == [(A, 1, 0)]
    assert decode_row(voided_row).components == b""


def test_what_is_no_attempt_has_no_components() -> None:
    document = statement(f"{ADL}asked", context={"contextActivities": {"category": [activity(A)]}})

    [event] = Dialects().decode(record(orjson.dumps(document))).events

    assert not hasattr(event, "kcs")


def test_a_mapping_says_which_types_are_components() -> None:
    mapped = load_dialects(str(MAPPING))
    skill = "https://lms.north.example/types/skill"

    assert answered(mapped, contextActivities={"category": [activity(A, skill), activity(B, OBJECTIVE)]}).kcs == (A, B)
    assert graded(item(assessedSkills=[{"id": A, "type": "Skill"}]), mapped).kcs == (A,)
    assert graded(item(assessedSkills=[{"id": A, "type": "Skill"}])).kcs is None


def test_a_mapping_may_say_that_nothing_is_a_component(tmp_path: Path) -> None:
    file = tmp_path / "mapping.toml"
    file.write_text("[components]\nxapi = []\ncaliper = []\n", encoding="utf-8")
    none = load_dialects(str(file))

    assert answered(none, contextActivities={"category": [activity(A)]}).kcs is None
    assert graded(item(learningObjectives=OBJECTIVES), none).kcs is None


@pytest.mark.parametrize(
    "context",
    [
        {"platform": "Moodle", "contextActivities": {"parent": [activity("urn:c", f"{ADL_TYPE}course")]}},
        {"platform": "Moodle", "contextActivities": {"grouping": activity("urn:c", f"{ADL_TYPE}course")}, "team": 7},
    ],
    ids=["whole", "broken elsewhere"],
)
def test_a_statement_says_its_platform_and_its_course(context: dict[str, Any]) -> None:
    event = answered(**context)

    assert (event.source, event.course_id, event.class_id, event.school_id) == ("Moodle", "urn:c", None, None)


def test_a_caliper_event_says_its_application_its_section_and_its_course() -> None:
    section = {
        "id": "https://school.example/courses/7/1",
        "type": "CourseSection",
        "subOrganizationOf": {"id": "https://school.example/courses/7", "type": "CourseOffering"},
    }

    event = graded(ITEM, group=section)

    assert (event.source, event.class_id, event.course_id) == (
        APP["id"],
        section["id"],
        "https://school.example/courses/7",
    )
    assert graded(ITEM, group="https://school.example/courses/7").class_id is None
    offering = graded(ITEM, group={"id": "urn:o", "type": "CourseOffering"})
    assert (offering.class_id, offering.course_id) == (None, "urn:o")


def test_names_of_any_length_fit_into_an_event() -> None:
    event = answered(platform="p" * 1_000, contextActivities={"parent": [activity(LONG * 4, f"{ADL_TYPE}course")]})

    assert native.decode(native.encode(event)) == event


BROKEN_CONTEXTS: Final[dict[str, dict[str, Any]]] = {
    "no objects": {"contextActivities": {"category": ["x", 7, None, activity(A)]}},
    "no IRIs": {"contextActivities": {"grouping": [activity("x"), activity(A, "x"), activity(A)]}},
    "no list": {"contextActivities": {"category": 7, "grouping": activity(A)}},
    "a definition that is none": {"contextActivities": {"category": [{"id": B, "definition": []}, activity(A)]}},
    "a platform that is no text": {"platform": 7, "contextActivities": {"category": [activity(A)]}},
}


@pytest.mark.parametrize("context", BROKEN_CONTEXTS.values(), ids=BROKEN_CONTEXTS)
def test_what_is_broken_in_a_context_costs_neither_the_answer_nor_what_is_whole(context: dict[str, Any]) -> None:
    event = answered(**context)

    assert (event.item_id, event.kcs, event.source) == (XAPI_ITEM, (A,), None)


@pytest.mark.parametrize(
    "objectives",
    [7, "x", [None, 7, "x", {}, {"id": 7}, {"id": B, "type": "Forum"}, {"id": B, "type": [{}]}, A], {"id": A}],
    ids=str,
)
def test_what_is_broken_in_an_items_objectives_costs_neither_the_grade_nor_what_is_whole(objectives: object) -> None:
    assert graded(item(learningObjectives=objectives)).kcs in (None, (A,))


@pytest.mark.parametrize("group", [{"id": 7, "type": "CourseSection"}, {"id": "urn:g", "type": 7}], ids=str)
def test_a_broken_group_is_passed_over_or_refused_by_its_rule_and_never_a_crash(group: dict[str, Any]) -> None:
    document = caliper("GradeEvent", "Graded", attempt(ITEM), generated=grade(), group=group)

    decoded = Dialects().decode(record(orjson.dumps(document)))

    assert [event.class_id for event in decoded.events] == [None] * (1 - len(decoded.invalid))


def test_half_a_surrogate_pair_where_nothing_is_read_does_not_cost_the_event_and_in_a_components_name_it_does() -> None:
    half = rb'"\ud83d"'
    said = orjson.dumps({**orjson.loads(native.encode(answered())), "course_id": "HALF", "source": "HALF"})
    named = orjson.dumps({**orjson.loads(native.encode(answered())), "kcs": ["HALF"]})

    [event] = Dialects().decode(record(said.replace(b'"HALF"', half))).events
    [refused] = Dialects().decode(record(named.replace(b'"HALF"', half))).invalid

    assert event.course_id == "\ufffd"
    assert refused.reason == "not_json"
