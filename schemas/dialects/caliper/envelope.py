"""Envelopes, and what travels without one."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

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
    """Events and entities in their order, each with where it stood; the envelope's version if there was one, and the
    rules that it breaks where nobody reads it: neither who sent it nor when is.
    """

    items: Sequence[tuple[dict[str, Any], str]]
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
        return Data(_objects(document, "$"))
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
    return Data(_objects(items, "$.data"), version, tuple(_broken(envelope)))


def _broken(envelope: dict[str, Any]) -> Iterator[str]:
    if envelope.keys() != _PROPERTIES:
        yield "5.2-properties"
    if "sensor" in envelope and not (isinstance(envelope["sensor"], str) and envelope["sensor"]):
        yield "5.2-sensor"
    if "sendTime" in envelope and instant(envelope["sendTime"]) is None:
        yield "5.2-sendTime"


def _objects(items: Sequence[Any], path: str) -> list[tuple[dict[str, Any], str]]:
    """All must be objects, so that a record of a million numbers is one dead letter, not a million."""
    require_few(len(items))
    for index, item in enumerate(items):
        if not isinstance(item, dict) or not item:
            raise BrokenRule("5.2-data", f"{path}[{index}]")
    return [(item, f"{path}[{index}]") for index, item in enumerate(items)]
