"""Whether an event is what the specification says, and which requirement it breaks if it is not.

The properties of an event are closed, those of an entity are not: types of entities grow with profiles, and what is not
in the table of properties is not read. A further context may define further terms, so with one they are let through.
What is broken within an event's entities where nobody reads it is tolerated: the rule is noted, and the event stands.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from schemas.dialects.caliper.context import require_version
from schemas.dialects.caliper.properties import READ_PROPERTIES
from schemas.dialects.caliper.rules import BrokenRule, is_absent
from schemas.dialects.caliper.values import CHECKED_IRIS, instant, is_iri, is_uuid_urn
from schemas.dialects.caliper.version import NO_TYPES, PropertyCheck, ResolvedUse, Version, is_array, no_other

ACTION_IRIS: Final = ("http://purl.imsglobal.org/caliper/actions/", "https://purl.imsglobal.org/caliper/actions/")


Described = tuple[dict[str, Any], str, "Described | None", PropertyCheck, bool]
"""An event, or an entity of one: with its path or, below an event, the property that it is, of what, its check, and
whether it is read.
"""
_OF_AN_EVENT: Final[PropertyCheck] = (None, no_other, "", NO_TYPES)


class Conformant(Struct, frozen=True):
    """A valid event: its type, its action, when, and what the table says of both; no usage where it knows no such.

    `tolerated` is a rule that it breaks where nobody reads it, empty for none.
    """

    type: str
    action: str
    time: datetime
    usage: ResolvedUse | None
    tolerated: str = ""


def require_conformant(event: dict[str, Any], path: str, own: Collection[str], data_version: str = "") -> Conformant:
    """Check an event at `path`. `own` are the platform's `Type.Action`s, which need be no specification's.

    Raises Broken. `data_version` is the envelope's, if there is one.
    """
    version, extended = require_version(event.get("@context"), path, data_version)
    if not (extended or version.event_properties.issuperset(event)):
        name = next(name for name in event if name not in version.event_properties)
        raise BrokenRule("2.1-custom", f"{path}.{name}" if name == "navigatedFrom" else path)
    kind = event.get("type")
    if not isinstance(kind, str) or not kind or kind in version.entities:
        raise BrokenRule("2.1-type", f"{path}.type")
    if not is_uuid_urn(event.get("id")):
        raise BrokenRule("2.1-id", f"{path}.id")
    if not event.get("actor"):
        raise BrokenRule("2.1-actor", f"{path}.actor")
    if not event.get("object"):
        raise BrokenRule("2.1-object", f"{path}.object")
    action = event.get("action")
    if not isinstance(action, str) or not action:
        raise BrokenRule("2.1-action", f"{path}.action")
    if action.startswith(ACTION_IRIS):
        action = action.rpartition("/")[2]
    time = instant(event.get("eventTime"))
    if time is None:
        raise BrokenRule("2.1-eventTime", f"{path}.eventTime")
    if (extensions := event.get("extensions")) and not isinstance(extensions, dict):
        raise BrokenRule("2.1-extensions", f"{path}.extensions")
    if (profile := event.get("profile")) and not (isinstance(profile, str) and _is_profile(profile, version, extended)):
        raise BrokenRule("2.1-profile", f"{path}.profile")
    usages = version.events.get(kind)
    usage = usages.get(action) if usages else None
    if not usage and f"{kind}.{action}" not in own:
        if usages:
            raise BrokenRule("B-action" if action in version.actions else "A-action", f"{path}.action")
        if not extended:
            raise BrokenRule("2.1-type", f"{path}.type")
    for name in usage.requires if usage else ():
        if is_absent(event.get(name)):
            raise BrokenRule("B-required", f"{path}.{name}")
    described = _slotted((event, path, None, _OF_AN_EVENT, True), usage.slots if usage else version.slots)
    return Conformant(kind, action, time, usage, _check_described(described, version, extended))


def _is_profile(term: str, version: Version, extended: bool) -> bool:
    return extended or term.removeprefix("http://purl.imsglobal.org/caliper/") in version.profiles


def _slotted(event: Described, slots: Mapping[str, PropertyCheck]) -> list[Described]:
    """The described ones of an event's own entities. Raises Broken."""
    described: list[Described] = []
    entities = event[0]
    for name in entities:
        if name not in slots:
            continue
        value = entities[name]
        if type(value) is dict and value:
            described.append((value, name, event, slots[name], True))
        elif not is_iri(value) and not is_absent(value):
            raise BrokenRule("2.1-entity", _path(event, name))
    return described


def _check_described(described: list[Described], version: Version, extended: bool) -> str:
    """Check entities and those within, however deep: no recursion, since they may be nested without end.

    What a further context's entity has is its context's affair. Return the last rule that is broken where nobody reads
    it, empty for none. Raises Broken.
    """
    checks = version.properties
    tolerated = ""
    while described:
        part = described.pop()
        entity = part[0]
        iri = entity.get("id")
        if type(iri) is not str or not CHECKED_IRIS[iri]:
            tolerated = _unread("2.2-id", part, "id")
            continue
        kind = entity.get("type")
        if type(kind) is not str or kind not in part[3][3]:
            tolerated = _further_type(part, kind, version, extended) or tolerated
            continue
        for name in entity:
            if name not in checks:
                continue
            value, check = entity[name], checks[name]
            texts = check[0]
            if type(value) is str:
                if texts is None or texts[value]:
                    continue
            elif texts is CHECKED_IRIS:
                if type(value) is dict and value:
                    described.append((value, name, part, check, part[4] and name in READ_PROPERTIES))
                    continue
            elif (others := check[1])(value):
                if others is is_array:
                    found, broken = _elements(value, name, part, check)
                    described.extend(found)
                    tolerated = broken or tolerated
                continue
            if not is_absent(value):
                tolerated = _unread(_rule(check), part, name)
    return tolerated


def _unread(rule: str, part: Described, name: str) -> str:
    """`rule`, which the property `name` of `part` breaks where nobody reads it. Raises Broken where somebody does."""
    if part[4] and name in READ_PROPERTIES:
        raise BrokenRule(rule, _path(part, name))
    return rule


def _rule(check: PropertyCheck) -> str:
    """What a value breaks that is not even of the form: the rule of a link is about types."""
    texts, others, rule, _ = check
    if texts is CHECKED_IRIS:
        return "2.1-entity"
    return "C-array" if others is is_array else rule


def _further_type(part: Described, kind: Any, version: Version, extended: bool) -> str:
    """Empty where `kind`, which the check of `part` does not allow, may be a term of a further context.

    Else the rule that is broken, where nobody reads it. Raises Broken.
    """
    if type(kind) is str and kind in version.entities:
        return _unread(part[3][2], part, "type")
    if type(kind) is not str or not (extended or "@context" in part[0]):
        return _unread("2.2-type", part, "type")
    return ""


def _elements(array: list[Any], name: str, part: Described, check: PropertyCheck) -> tuple[list[Described], str]:
    """The described ones of an array of entities; and the rule that others break. Raises Broken."""
    found: list[Described] = []
    broken, is_read = "", part[4] and name in READ_PROPERTIES
    for index, one in enumerate(array):
        if isinstance(one, dict):
            found.append((one, f"{name}[{index}]", part, check, is_read))
        elif not is_iri(one):
            if is_read:
                raise BrokenRule("2.1-entity", _path(part, f"{name}[{index}]"))
            broken = "2.1-entity"
    return found, broken


def _path(part: Described, name: str) -> str:
    """Where the property `name` of `part` is. Only what is broken needs to know."""
    steps = [name]
    within: Described | None = part
    while within:
        _, step, within, _, _ = within
        steps.append(step)
    return ".".join(reversed(steps))
