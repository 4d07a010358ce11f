"""What a statement's context says of where it happened, and of which knowledge components an answer speaks."""

from collections.abc import Collection, Iterator
from typing import Final

from msgspec import UNSET

from schemas.dialects.components import component_names
from schemas.dialects.xapi import statement as s

COURSE_TYPES: Final = frozenset(
    (
        "http://adlnet.gov/expapi/activities/course",
        "https://w3id.org/xapi/cmi5/activitytype/course",
        "http://id.tincanapi.com/activitytype/lms/course",
    )
)


def components_in(context: s.Context, types: Collection[str]) -> tuple[str, ...]:
    """The components among the categories and the grouping: activities of one of these `types`."""
    held = context.context_activities
    if held is UNSET or not types:
        return ()
    return component_names(
        activity.id for activity in activities_of(held.category, held.grouping) if _is(activity, types)
    )


def course_in(context: s.Context) -> str | None:
    """The course that it is part of: the first activity of such a type; None where none is named."""
    held = context.context_activities
    if held is UNSET:
        return None
    for activities in (held.parent, held.grouping, held.other):
        if activities is not UNSET:
            for activity in activities if isinstance(activities, list) else (activities,):
                if _is(activity, COURSE_TYPES):
                    return activity.id
    return None


def platform_in(context: s.Context) -> str | None:
    """The platform; None where none is named."""
    return None if context.platform is UNSET else context.platform or None


def activities_of(*several: s.Activities) -> Iterator[s.Activity]:
    """The activities, one or many each."""
    for activities in several:
        if isinstance(activities, list):
            yield from activities
        elif activities is not UNSET:
            yield activities


def _is(activity: s.Activity, types: Collection[str]) -> bool:
    definition = activity.definition
    return definition is not UNSET and definition.type in types
