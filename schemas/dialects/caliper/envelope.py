"""Envelopes, and what travels without one."""

from collections.abc import Iterator, Sequence
from typing import Any, Final, TypeGuard

from msgspec import Struct

from schemas.dialects.caliper.context import CONTEXTS, base_of
from schemas.dialects.caliper.rules import BrokenRule
from schemas.dialects.caliper.values import instant
from schemas.dialects.record import require_few

_DISTINCTIVE: Final = frozenset(("sensor", "sendTime", "dataVersion"))
_PARTS: Final = frozenset(("sensor", "sendTime", "data"))
_PROPERTIES: Final = _DISTINCTIVE | _PARTS
_READ: Final = frozenset(("dataVersion", "data"))
_NAMESPACE: Final = "purl.imsglobal.org/ctx/caliper"


class Data(Struct, frozen=True):
    """What stands for events and entities, in its order, each with its place; the envelope's version if there was one,
    and the rules that it breaks where nobody reads it: neither who sent it nor when is.
    """

    items: Sequence[tuple[Any, str]]
    version: str = ""
    tolerated: Sequence[str] = ()


def is_caliper(document: Any) -> bool:
    """Whether a document is an envelope, an event, an entity, or an array of those; valid or not."""
    if isinstance(document, list):
        return any(isinstance(one, dict) and is_caliper(one) for one in document)
    if not isinstance(document, dict):
        return False
    if "eventTime" in document and "action" in document:
        return True
    if len(_PARTS & document.keys()) > 1:
        return True
    contexts = document.get("@context", document.get("dataVersion"))
    return any(
        isinstance(context, str) and _NAMESPACE in context
        for context in (contexts if isinstance(contexts, list) else (contexts,))
    )


def data_of(document: Any) -> Data:
    """The data of a document that `is_caliper`. Raises Broken where they can't be told apart."""
    if isinstance(document, dict) and not document.keys().isdisjoint(_DISTINCTIVE):
        return _opened(document)
    if isinstance(document, list):
        return Data(_located(document, "$"))
    return Data(((document, "$"),))


def _opened(envelope: dict[str, Any]) -> Data:
    if missing := sorted(_READ - envelope.keys()):
        raise BrokenRule("5.2-properties", f"$.{missing[0]}")
    version = envelope["dataVersion"]
    if not isinstance(version, str) or base_of(version) is None:
        known = isinstance(version, str) and version.startswith(CONTEXTS)
        raise BrokenRule("5.2-dataVersion", "$.dataVersion", "caliper_unknown_version" if known else "caliper_invalid")
    items = envelope["data"]
    if not isinstance(items, list) or not items:
        raise BrokenRule("5.2-data", "$.data")
    return Data(_located(items, "$.data"), version, tuple(_broken(envelope)))


def _broken(envelope: dict[str, Any]) -> Iterator[str]:
    if envelope.keys() != _PROPERTIES:
        yield "5.2-properties"
    if "sensor" in envelope and not (isinstance(envelope["sensor"], str) and envelope["sensor"]):
        yield "5.2-sensor"
    if "sendTime" in envelope and instant(envelope["sendTime"]) is None:
        yield "5.2-sendTime"


def _located(items: Sequence[Any], path: str) -> list[tuple[Any, str]]:
    """One at least is an object, so that a record of a thousand numbers is one dead letter, not a thousand."""
    require_few(len(items))
    if not any(is_object(item) for item in items):
        raise BrokenRule("5.2-data", f"{path}[0]" if items else path)
    return [(item, f"{path}[{index}]") for index, item in enumerate(items)]


def is_object(datum: Any) -> TypeGuard[dict[str, Any]]:
    """Whether it may be an event or an entity at all."""
    return isinstance(datum, dict) and bool(datum)
