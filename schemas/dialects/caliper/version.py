"""What a version of Caliper is, made of its tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

Student = Literal["actor", "assignee", "user"]
Check = tuple[Callable[[Any], bool] | None, str]
"""Whether a property's value is right, and the rule if not; None is for entities, their IRIs, or arrays of them."""

LINK: Final[Check] = (None, "2.1-entity")
Slots = Mapping[str, tuple[frozenset[str], str]]
"""The entities of an event: the types they may have, and the rule that says so."""


class Use(NamedTuple):
    """What some actions of a type of event mean, and what the specification lets them go with.

    `kinds` are actions by the kind of native event they become; terms are given as words. A type allows its subtypes,
    and its supertypes, since a Person may be described as an Agent. `student` is who the event is about.
    """

    kinds: Mapping[str, str]
    actors: str = "Person"
    objects: str = "Entity"
    generated: str = "Entity"
    requires: str = ""
    student: Student = "actor"


@dataclass(frozen=True, slots=True)
class Usage:
    """A `Use` of one action, resolved."""

    kind: str
    slots: Slots
    requires: tuple[str, ...]
    student: Student


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its context, the properties of an event, its types, and what they allow."""

    context: str
    event_properties: frozenset[str]
    properties: Mapping[str, Check]
    actions: frozenset[str]
    entities: frozenset[str]
    events: Mapping[str, Mapping[str, Usage]]
    slots: Slots


def version(
    context: str,
    *,
    event_properties: str,
    properties: Mapping[str, Check],
    actions: str,
    subtypes: Mapping[str, str],
    events: Mapping[str, tuple[Use, ...]],
) -> Version:
    """Resolve tables of words."""
    parents = {child: parent for parent, children in subtypes.items() for child in children.split()}
    slots = {name: (_allowed(term, parents), "B-context") for name, term in _ENTITIES_OF_AN_EVENT.items()}
    return Version(
        context=context,
        event_properties=frozenset(event_properties.split()),
        properties=properties,
        actions=frozenset(actions.split()),
        entities=frozenset(parents) | {"Entity"},
        events={name: _usages(uses, parents, slots) for name, uses in events.items()},
        slots=slots,
    )


_ENTITIES_OF_AN_EVENT: Final = {
    "actor": "Agent",
    "object": "Entity",
    "generated": "Entity",
    "target": "Entity",
    "referrer": "Entity",
    "edApp": "SoftwareApplication",
    "group": "Organization",
    "membership": "Membership",
    "session": "Session",
    "federatedSession": "LtiSession",
}


def _usages(uses: tuple[Use, ...], parents: Mapping[str, str], slots: Slots) -> dict[str, Usage]:
    usages = {}
    for use in uses:
        own = {
            "actor": (_allowed(use.actors, parents), "B-actor"),
            "object": (_allowed(use.objects, parents), "B-object"),
            "generated": (_allowed(use.generated, parents), "B-generated"),
        }
        for kind, actions in use.kinds.items():
            usage = Usage(kind, {**slots, **own}, tuple(use.requires.split()), use.student)
            usages.update(dict.fromkeys(actions.split(), usage))
    return usages


def _allowed(terms: str, parents: Mapping[str, str]) -> frozenset[str]:
    supported = set(terms.split())
    above = {name for term in supported for name in _line(term, parents)}
    return frozenset(above | {name for name in parents if supported & set(_line(name, parents))})


def _line(term: str, parents: Mapping[str, str]) -> list[str]:
    """`term` and its supertypes."""
    line = [term]
    while line[-1] in parents:
        line.append(parents[line[-1]])
    return line
