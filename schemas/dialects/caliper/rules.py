"""The specification's requirements, by the name that a dead letter gives them.

A name begins with the section of Caliper 1.1 that says so; 1.2 says the same of what it kept.
"""

from typing import Any, Final

from schemas.errors import InvalidInput

_SHOWN_CHARS: Final = 80
_SENTENCES: Final = {
    "2.1-type": "an event or entity has a type, a term of the Caliper context",
    "2.1-id": "an event has an id, a UUID written urn:uuid:<UUID>",
    "2.1-actor": "an event has an actor, an entity or its IRI",
    "2.1-action": "an event has an action, one term",
    "2.1-object": "an event has an object, an entity or its IRI",
    "2.1-eventTime": "an event has an eventTime, YYYY-MM-DDTHH:mm:ss.SSSZ in UTC",
    "2.1-entity": "the value is an entity or its IRI",
    "2.1-extensions": "extensions are a map",
    "2.1-custom": "custom attributes are added to extensions",
    "2.1-profile": "a profile is one of the specification's",
    "2.2-id": "an entity has an id, an absolute IRI or a blank node identifier",
    "2.2-type": "an entity has a type, a term of the Caliper context",
    "2.2-date": "dates are YYYY-MM-DDTHH:mm:ss.SSSZ in UTC",
    "4.1-context": "@context is the Caliper context, or an array of contexts that ends with it",
    "5.2-properties": "an envelope has sensor, sendTime, dataVersion, data and nothing else",
    "5.2-sensor": "an envelope's sensor is a string",
    "5.2-sendTime": "an envelope's sendTime is YYYY-MM-DDTHH:mm:ss.SSSZ in UTC",
    "5.2-dataVersion": "an envelope's dataVersion is the context of its data",
    "5.2-data": "an envelope's data are one or more events and entities",
    "A-action": "the action is one of the specification's",
    "B-actor": "the type of event does not support this type of actor",
    "B-action": "the type of event does not support this action",
    "B-object": "the type of event does not support this type of object",
    "B-generated": "the type of event does not support this type of generated entity",
    "B-target": "the type of event does not support this type of target",
    "B-context": "the property does not support this type of entity",
    "B-required": "the type of event requires this property for this action",
    "C-entity": "the property does not support this type of entity",
    "C-array": "the value is an array of entities or their IRIs",
    "C-string": "the value is a string",
    "C-strings": "the value is an array of strings",
    "C-boolean": "the value is true or false",
    "C-duration": "the value is an ISO 8601 duration",
    "C-number": "the value is a number",
    "C-integer": "the value is an integer",
    "C-count": "the value is an integer, and not negative",
    "D-selection": "a TextPositionSelector has start and end",
    "E-roles": "roles are an array of the specification's terms",
    "F-status": "a membership's status is Active or Inactive",
}


class BrokenRule(InvalidInput):
    """A requirement is not met at `path`. The message quotes nothing that was sent but known property names."""

    def __init__(self, rule: str, path: str, reason: str = "caliper_invalid") -> None:
        where = path if len(path) <= 2 * _SHOWN_CHARS else f"{path[:_SHOWN_CHARS]}…{path[-_SHOWN_CHARS:]}"
        super().__init__(reason, f"{rule} at {where}: {_SENTENCES[rule]}")


def is_absent(value: Any) -> bool:
    """Whether a property counts as left out: null and empty values should be, so they may be sent."""
    return value is None or value == "" or value == [] or value == {}
