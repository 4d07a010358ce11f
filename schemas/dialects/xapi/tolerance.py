"""A statement without what nobody reads of it: so what is broken there does not cost the statement.

    statement ──► keeps all rules? ──yes──► read
                    │ no
                    └──► without its unread parts ──► keeps the rules? ──yes──► read, and the broken rule counted
                                                            └─ no ──► refused, by that rule

Only parts that the standard knows are left out: a property that it does not know may be a read one, misspelled.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final

from schemas.dialects.xapi.extensions import READ_OF_ACTIVITIES, READ_OF_CONTEXTS, READ_OF_RESULTS
from schemas.dialects.xapi.formats import IRIS

UNREAD: Final[Mapping[str, tuple[str, ...]]] = {
    "statement": ("attachments", "authority"),
    "actor": ("name",),
    "verb": ("display",),
    "definition": (
        *("name", "description", "moreInfo", "correctResponsesPattern"),
        *("choices", "scale", "source", "target", "steps"),
    ),
    "result": ("completion",),
}
"""What is not read, by what has it; besides, `stored` beside a `timestamp`, a `response` that is no text where no text
is looked for, extensions but ours, and all of the context but its platform, activities that say of which type they are
(an attempt, a course, a component), and whom it is for.
"""
_ACTIVITIES: Final = ("parent", "grouping", "category", "other")


def without_unread(statement: Mapping[str, Any]) -> dict[str, Any]:
    """What is left of a parsed `statement`; shares its parts, and changes none of them."""
    left = _without(statement, UNREAD["statement"])
    if "timestamp" in left:
        left.pop("stored", None)
    _replace(left, "actor", _actor)
    _replace(left, "verb", lambda verb: _without(verb, UNREAD["verb"]))
    _replace(left, "object", _object)
    _replace(left, "result", _result)
    if "context" in left:
        left["context"] = _context(left["context"], is_of_activity=_is_activity(left.get("object")))
    return left


def lacks_its_text(statement: Mapping[str, Any]) -> bool:
    """Whether its response is no text, which matters only where somebody wrote."""
    result = statement.get("result")
    return isinstance(result, dict) and not isinstance(result.get("response", ""), str)


def _without(part: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in part.items() if name not in names}


def _replace(holder: dict[str, Any], name: str, by: Callable[[Mapping[str, Any]], Mapping[str, Any]]) -> None:
    """Replace a part by what is left of it; what is no object is left to the rules."""
    if isinstance(part := holder.get(name), dict):
        holder[name] = by(part)


def _actor(actor: Mapping[str, Any]) -> dict[str, Any]:
    left = _without(actor, UNREAD["actor"])
    if isinstance(members := left.get("member"), list):
        left["member"] = [_without(one, UNREAD["actor"]) if isinstance(one, dict) else one for one in members]
    return left


def _object(object: Mapping[str, Any]) -> Mapping[str, Any]:
    match object.get("objectType", "Activity"):
        case "Agent" | "Group":
            return _actor(object)
        case "Activity" | "GroupActivity":  # Open edX's word for one of several questions
            left = dict(object)
            if "objectType" in left:
                left["objectType"] = "Activity"
            _replace(left, "definition", _definition)
            return left
    return object


def _definition(definition: Mapping[str, Any]) -> dict[str, Any]:
    left = _without(definition, UNREAD["definition"])
    _reduce_extensions(left, READ_OF_ACTIVITIES)
    return left


def _result(result: Mapping[str, Any]) -> dict[str, Any]:
    left = _without(result, UNREAD["result"])
    if lacks_its_text({"result": result}):
        del left["response"]
    _reduce_extensions(left, READ_OF_RESULTS)
    return left


def _reduce_extensions(holder: dict[str, Any], names: Collection[str]) -> None:
    """Leave only what is read of extensions, and none where they are no object."""
    extensions = holder.pop("extensions", None)
    if isinstance(extensions, dict):
        holder["extensions"] = {name: value for name, value in extensions.items() if name in names}


def _is_activity(object: Any) -> bool:
    return isinstance(object, dict) and object.get("objectType", "Activity") == "Activity"


def _context(context: Any, *, is_of_activity: bool) -> dict[str, Any]:
    left: dict[str, Any] = {}
    if isinstance(context, dict):
        left = {"extensions": context.get("extensions")}
        _reduce_extensions(left, READ_OF_CONTEXTS)
        if is_of_activity and isinstance(platform := context.get("platform"), str):
            left["platform"] = platform
        if isinstance(held := context.get("contextActivities"), dict):
            left["contextActivities"] = {
                name: [_typed(one) for one in _listed(held.get(name)) if _has_type(one)] for name in _ACTIVITIES
            }
    return left


def _listed(held: Any) -> Sequence[Any]:
    return held if isinstance(held, list) else (held,)


def _has_type(activity: Any) -> bool:
    """Whether an activity of the context says what it is."""
    if not isinstance(activity, dict) or not isinstance(definition := activity.get("definition"), dict):
        return False
    iris = (activity.get("id"), definition.get("type"))
    return all(isinstance(iri, str) and IRIS[iri] for iri in iris)


def _typed(activity: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": activity["id"], "definition": {"type": activity["definition"]["type"]}}
