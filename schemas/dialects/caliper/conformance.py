"""Whether an event is what the specification says, and which requirement it breaks if it is not.

The properties of an event are closed, those of an entity are not: types of entities grow with profiles, and what is not
in the table of properties is not read. A further context may define further terms, so with one they are let through.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from schemas.dialects.caliper.rules import Broken, is_absent
from schemas.dialects.caliper.v1p1 import V1P1
from schemas.dialects.caliper.v1p2 import V1P2
from schemas.dialects.caliper.values import instant, is_iri, is_uuid_urn
from schemas.dialects.caliper.version import Slots, Usage, Version

CONTEXTS: Final = "http://purl.imsglobal.org/ctx/caliper/"
VERSIONS: Final = {version.context: version for version in (V1P1, V1P2)}
ACTION_IRIS: Final = ("http://purl.imsglobal.org/caliper/actions/", "https://purl.imsglobal.org/caliper/actions/")


class Conformant(NamedTuple):
    """A valid event: its type, its action, when, and what the table says of both; no usage where it knows no such."""

    type: str
    action: str
    time: datetime
    usage: Usage | None


def require_conformant(event: dict[str, Any], path: str, own: Collection[str], data_version: str = "") -> Conformant:
    """Check an event at `path`. `own` are the platform's `Type.Action`s, which need be no specification's.

    Raises Broken. `data_version` is the envelope's, if there is one.
    """
    version, extended = require_version(event.get("@context"), f"{path}.@context", data_version)
    if not (extended or version.event_properties.issuperset(event)):
        name = next(name for name in event if name not in version.event_properties)
        raise Broken("2.1-custom", f"{path}.{name}" if name == "navigatedFrom" else path)
    kind = event.get("type")
    if not isinstance(kind, str) or not kind or kind in version.entities:
        raise Broken("2.1-type", f"{path}.type")
    if not is_uuid_urn(event.get("id")):
        raise Broken("2.1-id", f"{path}.id")
    for name in ("actor", "object"):
        if not event.get(name):
            raise Broken(f"2.1-{name}", f"{path}.{name}")
    action = event.get("action")
    if not isinstance(action, str) or not action:
        raise Broken("2.1-action", f"{path}.action")
    if action.startswith(ACTION_IRIS):
        action = action.rpartition("/")[2]
    time = instant(event.get("eventTime"))
    if time is None:
        raise Broken("2.1-eventTime", f"{path}.eventTime")
    if not isinstance(event.get("extensions") or {}, dict):
        raise Broken("2.1-extensions", f"{path}.extensions")
    if not isinstance(event.get("profile") or "", str):
        raise Broken("2.1-profile", f"{path}.profile")
    usage = _usage(event, version, kind, action, path, own)
    described = _slotted(event, usage.slots if usage else version.slots, version, path)
    _check_described(described, version, extended)
    return Conformant(kind, action, time, usage)


def require_version(context: Any, path: str, data_version: str = "") -> tuple[Version, bool]:
    """The version that `context` names, and whether it names further contexts. Raises Broken."""
    if isinstance(context, str) and context in VERSIONS and context == (data_version or context):
        return VERSIONS[context], False
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


def _usage(
    event: Mapping[str, Any], version: Version, kind: str, action: str, path: str, own: Collection[str]
) -> Usage | None:
    """What the table says of this action of this type of event. Raises Broken where it forbids it."""
    usages = version.events.get(kind)
    usage = usages.get(action) if usages else None
    if usage is None:
        if usages and f"{kind}.{action}" not in own:
            raise Broken("B-action" if action in version.actions else "A-action", f"{path}.action")
        return None
    for name in usage.requires:
        if is_absent(event.get(name)):
            raise Broken("B-required", f"{path}.{name}")
    return usage


def _slotted(event: Mapping[str, Any], slots: Slots, version: Version, path: str) -> list[tuple[dict[str, Any], str]]:
    """The described ones of an event's own entities. Raises Broken. A term of a further context may be of any type."""
    described: list[tuple[dict[str, Any], str]] = []
    for name, value in event.items():
        if name not in slots:
            continue
        if type(value) is dict and value:
            allowed, rule = slots[name]
            kind = value.get("type")
            if type(kind) is str and kind not in allowed and kind in version.entities:
                raise Broken(rule, f"{path}.{name}.type")
            described.append((value, f"{path}.{name}"))
        elif not is_iri(value) and not is_absent(value):
            raise Broken("2.1-entity", f"{path}.{name}")
    return described


def _check_described(described: list[tuple[dict[str, Any], str]], version: Version, extended: bool) -> None:
    """Check entities and those within, however deep: no recursion, since they may be nested without end."""
    properties, known = version.properties, version.entities
    while described:
        entity, path = described.pop()
        if not is_iri(entity.get("id")):
            raise Broken("2.2-id", f"{path}.id")
        kind = entity.get("type")
        if type(kind) is not str or (kind not in known and not (extended or "@context" in entity)):
            raise Broken("2.2-type", f"{path}.type")
        for name, value in entity.items():
            if name not in properties:
                continue
            is_right, rule = properties[name]
            if is_right is None:
                if type(value) is dict and value:
                    described.append((value, f"{path}.{name}"))
                elif not is_iri(value):
                    described.extend(_linked(value, f"{path}.{name}"))
            elif not is_right(value) and not is_absent(value):
                raise Broken(rule, f"{path}.{name}")


def _linked(value: Any, path: str) -> list[tuple[dict[str, Any], str]]:
    """The described ones of an array of entities. Raises Broken where it holds anything else."""
    if is_absent(value):
        return []
    if not isinstance(value, list):
        raise Broken("2.1-entity", path)
    found = []
    for index, one in enumerate(value):
        if isinstance(one, dict):
            found.append((one, f"{path}[{index}]"))
        elif not is_iri(one):
            raise Broken("2.1-entity", f"{path}[{index}]")
    return found
