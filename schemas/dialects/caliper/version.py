"""What a version of Caliper is, made of its tables."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NamedTuple

from schemas.dialects.caliper.values import CHECKED_IRIS, Checked

StudentProperty = Literal["actor", "assignee", "user"]
PropertyCheck = tuple[Checked | None, Callable[[Any], bool], str, frozenset[str]]
"""What a property may be: which texts (None for any), or else what other values; the rule if neither; which entities.

`CHECKED_IRIS` is for an entity or its IRI, `is_array` for an array of those: their rule is about the entities' types.
"""
NO_TYPES: Final[frozenset[str]] = frozenset()
NO_TEXT: Final = Checked(lambda _: None)


def no_other(_: Any) -> bool:
    return False


def is_array(value: Any) -> bool:
    return type(value) is list


def texts(names: str, rule: str, form: Checked | None = None) -> dict[str, PropertyCheck]:
    """Properties that are texts, of a form if there is one."""
    return dict.fromkeys(names.split(), (form, no_other, rule, NO_TYPES))


def others(names: str, rule: str, is_right: Callable[[Any], bool]) -> dict[str, PropertyCheck]:
    """Properties that are no texts."""
    return dict.fromkeys(names.split(), (NO_TEXT, is_right, rule, NO_TYPES))


class Use(NamedTuple):
    """What some actions of a type of event mean, and what the specification lets them go with.

    `kinds` are actions by the kind of native event they become; terms are given as words. A type allows its subtypes,
    and its supertypes, since a Person may be described as an Agent. `student` is who the event is about.
    """

    kinds: Mapping[str, str]
    actors: str = "Person"
    objects: str = "Entity"
    generated: str = "Entity"
    targets: str = "Entity"
    referrers: str = "Entity"
    requires: str = ""
    student: StudentProperty = "actor"


@dataclass(frozen=True, slots=True)
class ResolvedUse:
    """A `Use` of one action, resolved."""

    kind: str
    slots: Mapping[str, PropertyCheck]
    requires: tuple[str, ...]
    student: StudentProperty


@dataclass(frozen=True, slots=True)
class Version:
    """One version: its context, the properties of an event, its types, and what they allow."""

    context: str
    event_properties: frozenset[str]
    properties: Mapping[str, PropertyCheck]
    actions: frozenset[str]
    profiles: frozenset[str]
    entities: frozenset[str]
    events: Mapping[str, Mapping[str, ResolvedUse]]
    slots: Mapping[str, PropertyCheck]


def resolved_version(
    context: str,
    *,
    event_properties: str,
    properties: Mapping[str, PropertyCheck],
    links: Mapping[str, str],
    arrays: Mapping[str, str],
    actions: str,
    profiles: str = "",
    subtypes: Mapping[str, str],
    events: Mapping[str, tuple[Use, ...]],
) -> Version:
    """Resolve tables of words. `links` and `arrays` are properties by the type of the entities that they name."""
    parents = {child: parent for parent, children in subtypes.items() for child in children.split()}
    slots = _links(_ENTITIES_OF_AN_EVENT, (CHECKED_IRIS, no_other, "B-context"), parents)
    slots["federatedSession"] = (CHECKED_IRIS, no_other, "B-context", frozenset({"LtiSession"}))  # no mere Session
    return Version(
        context=context,
        event_properties=frozenset(event_properties.split()),
        properties={
            **properties,
            **_links(links, (CHECKED_IRIS, no_other, "C-entity"), parents),
            **_links(arrays, (NO_TEXT, is_array, "C-entity"), parents),
        },
        actions=frozenset(actions.split()),
        profiles=frozenset(profiles.split()),
        entities=frozenset(parents) | {"Entity"},
        events={name: _usages(uses, parents, slots) for name, uses in events.items()},
        slots=slots,
    )


_ENTITIES_OF_AN_EVENT: Final = {
    "Agent": "actor",
    "Entity": "object generated target referrer",
    "SoftwareApplication": "edApp",
    "Organization": "group",
    "Membership": "membership",
    "Session": "session",
}


def _links(
    names: Mapping[str, str], link: tuple[Checked, Callable[[Any], bool], str], parents: Mapping[str, str]
) -> dict[str, PropertyCheck]:
    return {name: (*link, _allowed(term, parents)) for term, words in names.items() for name in words.split()}


def _usages(
    uses: tuple[Use, ...], parents: Mapping[str, str], slots: Mapping[str, PropertyCheck]
) -> dict[str, ResolvedUse]:
    usages = {}
    for use in uses:
        own: dict[str, PropertyCheck] = {
            name: (CHECKED_IRIS, no_other, rule, _allowed(types, parents))
            for name, rule, types in (
                ("actor", "B-actor", use.actors),
                ("object", "B-object", use.objects),
                ("generated", "B-generated", use.generated),
                ("target", "B-target", use.targets),
                ("referrer", "B-context", use.referrers),
            )
        }
        for kind, actions in use.kinds.items():
            usage = ResolvedUse(kind, {**slots, **own}, tuple(use.requires.split()), use.student)
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
