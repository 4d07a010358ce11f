"""Whether an event is what the specification says, and which requirement it breaks if it is not.

The properties of an event are closed, those of an entity are not: types of entities grow with profiles, and what is not
in the table of properties is not read. A further context may define further terms, so with one they are let through.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from msgspec import Struct

from schemas.dialects.caliper.rules import Broken, is_absent
from schemas.dialects.caliper.v1p1 import V1P1
from schemas.dialects.caliper.v1p2 import V1P2
from schemas.dialects.caliper.values import IRIS, instant, is_iri, is_uuid_urn
from schemas.dialects.caliper.version import Slots, Usage, Version

CONTEXTS: Final = "http://purl.imsglobal.org/ctx/caliper/"
VERSIONS: Final = {version.context: version for version in (V1P1, V1P2)}
ACTION_IRIS: Final = ("http://purl.imsglobal.org/caliper/actions/", "https://purl.imsglobal.org/caliper/actions/")


Part = tuple[dict[str, Any], str, "Part | None"]
"""An event, or an entity of one: with its path or, below an event, the property that it is, and of what."""


class Conformant(Struct, frozen=True):
    """A valid event: its type, its action, when, and what the table says of both; no usage where it knows no such."""

    type: str
    action: str
    time: datetime
    usage: Usage | None


def require_conformant(event: dict[str, Any], path: str, own: Collection[str], data_version: str = "") -> Conformant:
    """Check an event at `path`. `own` are the platform's `Type.Action`s, which need be no specification's.

    Raises Broken. `data_version` is the envelope's, if there is one.
    """
    version, extended = require_version(event.get("@context"), path, data_version)
    if not (extended or version.event_properties.issuperset(event)):
        name = next(name for name in event if name not in version.event_properties)
        raise Broken("2.1-custom", f"{path}.{name}" if name == "navigatedFrom" else path)
    kind = event.get("type")
    if not isinstance(kind, str) or not kind or kind in version.entities:
        raise Broken("2.1-type", f"{path}.type")
    if not is_uuid_urn(event.get("id")):
        raise Broken("2.1-id", f"{path}.id")
    if not event.get("actor"):
        raise Broken("2.1-actor", f"{path}.actor")
    if not event.get("object"):
        raise Broken("2.1-object", f"{path}.object")
    action = event.get("action")
    if not isinstance(action, str) or not action:
        raise Broken("2.1-action", f"{path}.action")
    if action.startswith(ACTION_IRIS):
        action = action.rpartition("/")[2]
    time = instant(event.get("eventTime"))
    if time is None:
        raise Broken("2.1-eventTime", f"{path}.eventTime")
    if (extensions := event.get("extensions")) and not isinstance(extensions, dict):
        raise Broken("2.1-extensions", f"{path}.extensions")
    if (profile := event.get("profile")) and not isinstance(profile, str):
        raise Broken("2.1-profile", f"{path}.profile")
    usages = version.events.get(kind)
    usage = usages.get(action) if usages else None
    if usages and not usage and f"{kind}.{action}" not in own:
        raise Broken("B-action" if action in version.actions else "A-action", f"{path}.action")
    for name in usage.requires if usage else ():
        if is_absent(event.get(name)):
            raise Broken("B-required", f"{path}.{name}")
    described = _slotted((event, path, None), usage.slots if usage else version.slots, version)
    _check_described(described, version, extended)
    return Conformant(kind, action, time, usage)


def require_version(context: Any, path: str, data_version: str = "") -> tuple[Version, bool]:
    """The version that the `@context` of what is at `path` names, and whether it names further ones. Raises Broken."""
    if isinstance(context, str) and context in VERSIONS and context == (data_version or context):
        return VERSIONS[context], False
    path = f"{path}.@context"
    contexts = context if isinstance(context, list) and context else [context]
    last = contexts[-1]
    if not isinstance(last, str) or not all(isinstance(one, str | dict) for one in contexts):
        raise Broken("4.1-context", path)
    version, extension = VERSIONS.get(last), False
    if version is None and last.endswith("-extension") and last.startswith(tuple(f"{base}/" for base in VERSIONS)):
        version, extension = V1P2, True
    if version is None:
        raise Broken("4.1-context", path, "caliper_unknown_version" if last.startswith(CONTEXTS) else "caliper_invalid")
    if data_version and not (last == data_version or last.startswith(f"{data_version}/")):
        raise Broken("5.2-dataVersion", path)
    return version, extension or len(contexts) > 1


def _slotted(event: Part, slots: Slots, version: Version) -> list[Part]:
    """The described ones of an event's own entities. Raises Broken. A term of a further context may be of any type."""
    described: list[Part] = []
    entities = event[0]
    for name in entities:
        if name not in slots:
            continue
        value = entities[name]
        if type(value) is dict and value:
            allowed, rule = slots[name]
            kind = value.get("type")
            if type(kind) is str and kind not in allowed and kind in version.entities:
                raise Broken(rule, f"{_path(event, name)}.type")
            described.append((value, name, event))
        elif not is_iri(value) and not is_absent(value):
            raise Broken("2.1-entity", _path(event, name))
    return described


def _check_described(described: list[Part], version: Version, extended: bool) -> None:
    """Check entities and those within, however deep: no recursion, since they may be nested without end."""
    checks, known = version.properties, version.entities
    while described:
        part = described.pop()
        entity = part[0]
        iri = entity.get("id")
        if type(iri) is not str or not IRIS[iri]:
            raise Broken("2.2-id", _path(part, "id"))
        kind = entity.get("type")
        if type(kind) is not str or (kind not in known and not (extended or "@context" in entity)):
            raise Broken("2.2-type", _path(part, "type"))
        for name in entity:
            if name not in checks:
                continue
            value, (is_right, rule) = entity[name], checks[name]
            if is_right is None:
                if type(value) is dict and value:
                    described.append((value, name, part))
                elif type(value) is not str or not IRIS[value]:
                    described.extend(_linked(value, name, part))
            elif not is_right(value) and not is_absent(value):
                raise Broken(rule, _path(part, name))


def _linked(value: Any, name: str, part: Part) -> list[Part]:
    """The described ones of an array of entities. Raises Broken where it holds anything else."""
    if is_absent(value):
        return []
    if not isinstance(value, list):
        raise Broken("2.1-entity", _path(part, name))
    found: list[Part] = []
    for index, one in enumerate(value):
        if isinstance(one, dict):
            found.append((one, f"{name}[{index}]", part))
        elif not is_iri(one):
            raise Broken("2.1-entity", _path(part, f"{name}[{index}]"))
    return found


def _path(part: Part, name: str) -> str:
    """Where the property `name` of `part` is. Only what is broken needs to know."""
    steps = [name]
    within: Part | None = part
    while within:
        _, step, within = within
        steps.append(step)
    return ".".join(reversed(steps))
