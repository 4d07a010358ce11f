"""What a Caliper event says of where it happened, and of which knowledge components an answer speaks.

Nobody else reads these parts, so what is broken in them is passed over, and costs nothing.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from schemas.dialects.caliper.student import entity
from schemas.dialects.caliper.values import is_iri
from schemas.dialects.components import component_names

_OBJECTIVES: Final = ("learningObjectives", "alignedLearningObjective", "assessedSkills")
"""Caliper 1.1's and 1.2's, 1.0's, and what some platforms say besides."""
_MOST_LEVELS: Final = 8


def components_of_item(item: Mapping[str, Any], types: Collection[str]) -> tuple[str, ...]:
    """The components that an item assesses: what it is aligned to, where that is of one of `types` or an IRI alone."""
    return component_names(_aligned(item, types)) if types else ()


def source_of(event: Mapping[str, Any]) -> str | None:
    """The application that the event is from."""
    return _iri_of(event.get("edApp"))


def class_and_course(event: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """The course section and the course offering that the event's group is, or is part of."""
    found: dict[str, str | None] = {}
    group = event.get("group")
    for _ in range(_MOST_LEVELS):
        if not isinstance(group, dict):
            break
        kind = group.get("type")
        if isinstance(kind, str):
            found.setdefault(kind, _iri_of(group))
        group = group.get("subOrganizationOf")
    return found.get("CourseSection"), found.get("CourseOffering")


def _aligned(item: Mapping[str, Any], types: Collection[str]) -> Iterator[str]:
    for name in _OBJECTIVES:
        held = item.get(name)
        for each in held if isinstance(held, list) else (held,):
            iri = _iri_of(each)
            if iri and (not isinstance(each, dict) or _is_of(each, types)):
                yield iri


def _is_of(entity: Mapping[str, Any], types: Collection[str]) -> bool:
    kind = entity.get("type")
    return isinstance(kind, str) and kind in types


def _iri_of(value: Any) -> str | None:
    iri = entity(value).get("id")
    return iri if is_iri(iri) else None
