"""Families of what statements are about: a verb's sense depends on whether it is a video, a question, a forum.

A family is known by the activity's type; an interaction, by its having an interactionType, too.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import UNSET

from schemas.dialects.xapi import statement as s

_ADL: Final = "http://adlnet.gov/expapi/activities/"
_ACROSSX: Final = "https://w3id.org/xapi/acrossx/activities/"
_TINCAN: Final = "http://id.tincanapi.com/activitytype/"
_STREAMS: Final = "http://activitystrea.ms/"
_STREAMS_1: Final = "http://activitystrea.ms/schema/1.0/"
_EDLM: Final = "https://xapi.edlm/profiles/edlm-lms/concepts/activity-types/"
_OPEN_EDX: Final = "https://w3id.org/xapi/openedx/activity/"

ACTIVITY_FAMILIES: Final[dict[str, tuple[str, ...]]] = {
    "media": (
        "https://w3id.org/xapi/video/activity-type/video",
        "https://w3id.org/xapi/audio/activity-type/audio",
        f"{_ADL}media",
        f"{_ACROSSX}video",
        *(f"{stream}{name}" for stream in (_STREAMS, _STREAMS_1) for name in ("video", "audio")),
    ),
    "interaction": (f"{_ADL}cmi.interaction", f"{_ADL}interaction"),
    "question": (f"{_ADL}question", f"{_STREAMS}question", f"{_STREAMS_1}question"),
    "assessment": (
        f"{_ADL}assessment",
        f"{_ADL}attempt",
        f"{_ADL}performance",
        f"{_ACROSSX}printed-assessment",
        f"{_ACROSSX}printed-worksheet",
        f"{_ACROSSX}instant-response-system",
        f"{_OPEN_EDX}timed-assessment",
        f"{_OPEN_EDX}practice-assessment",
        f"{_OPEN_EDX}proctored-assessment",
        "https://w3id.org/xapi/tla/activity-types/assessment",
        f"{_TINCAN}unit-test",
        f"{_TINCAN}unit-test-suite",
    ),
    "course": (
        f"{_ADL}course",
        f"{_ADL}lesson",
        f"{_ADL}simulation",
        f"{_TINCAN}lms/course",
        "https://w3id.org/xapi/cmi5/activitytype/course",
        "https://w3id.org/xapi/cmi5/activitytype/block",
        f"{_EDLM}lesson-session",
    ),
    "work": (
        *(f"{_TINCAN}{name}" for name in ("school-assignment", "essay", "project", "research-report")),
        *(f"{_EDLM}{name}" for name in ("assignment", "submission")),
    ),
    "discussion": (
        f"{_TINCAN}discussion",
        f"{_TINCAN}forum-topic",
        f"{_TINCAN}forum-reply",
        f"{_TINCAN}chat-channel",
        f"{_TINCAN}chat-message",
        f"{_TINCAN}email",
        f"{_TINCAN}blog",
        f"{_TINCAN}doubt",
        f"{_TINCAN}status-update",
        f"{_TINCAN}tweet",
        f"{_ACROSSX}online-discussion",
        f"{_ACROSSX}face-to-face-discussion",
        f"{_ACROSSX}message",
        f"{_ACROSSX}collaboration",
        f"{_STREAMS}comment",
        f"{_STREAMS_1}comment",
    ),
    "help": ("https://w3id.org/xapi/acrossx/extensions/supplemental-info", f"{_TINCAN}solution"),
    "page": (
        f"{_ADL}module",
        f"{_ADL}link",
        f"{_ADL}file",
        f"{_ACROSSX}page",
        f"{_ACROSSX}webpage",
        f"{_STREAMS}page",
        f"{_STREAMS_1}page",
        f"{_TINCAN}resource",
        f"{_TINCAN}section",
    ),
}
"""Activity types by family. `essay` is an interaction for a long text, `person` an Agent or Group, `statement` another
statement."""

BROADER: Final = {"essay": "question", "interaction": "question"}
"""Where a verb has no sense for a family, it has that for the broader one."""

FAMILY_OF: Final[Mapping[str, str]] = {type: family for family, types in ACTIVITY_FAMILIES.items() for type in types}


def family(object: s.Object, families: Mapping[str, str] = FAMILY_OF) -> str:
    """The family of what a statement is about, by the `families` of types; empty for an activity of no known type."""
    if isinstance(object, s.Activity):
        definition = object.definition
        if definition is UNSET:
            return ""
        if definition.interaction_type is not UNSET:
            return "essay" if definition.interaction_type == "long-fill-in" else "interaction"
        return "" if definition.type is UNSET else families.get(definition.type, "")
    return "person" if isinstance(object, s.Actor) else "statement"


def type_of(object: s.Object) -> str:
    """The type of the activity that a statement is about; empty where it says none."""
    definition = object.definition if isinstance(object, s.Activity) else UNSET
    return "" if definition is UNSET or definition.type is UNSET else definition.type
