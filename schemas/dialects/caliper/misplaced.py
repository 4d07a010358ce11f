"""What Open edX's marks have in other places than the specification says: put where it belongs.

generated.score                             ──► generated
object.extensions: assignable, assignee, …  ──► object
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeGuard

from schemas.dialects.caliper.values import is_count, is_iri

MARKS: Final = ("GradeEvent", "OutcomeEvent")
_MARKED: Final = frozenset(("scoreGiven", "resultScore"))


def _described_as(*types: str) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, dict) and is_iri(value.get("id")) and value.get("type") in types


_OF_AN_ATTEMPT: Final[Mapping[str, Callable[[Any], bool]]] = {
    "assignable": _described_as("Assessment", "AssessmentItem", "AssignableDigitalResource"),
    "assignee": _described_as("Person"),
    "count": is_count,
}


def _is_mark(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and not _MARKED.isdisjoint(value)


def in_place(event: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """`event`, one of MARKS, with what is misplaced where it belongs; and the rule that was broken by that, if any."""
    placed, rule = event, ""
    generated = event.get("generated")
    if isinstance(generated, dict) and generated.keys().isdisjoint(_MARKED) and _is_mark(generated.get("score")):
        placed, rule = {**placed, "generated": {**generated, **generated["score"]}}, "2.2-id"
        placed["generated"].pop("score", None)
    tried = event.get("object")
    if isinstance(tried, dict) and isinstance(extensions := tried.get("extensions"), dict):
        found = {
            name: extensions[name]
            for name, is_right in _OF_AN_ATTEMPT.items()
            if name not in tried and name in extensions and is_right(extensions[name])
        }
        if found:
            placed = {**placed, "object": {**tried, **found}}
    return placed, rule
