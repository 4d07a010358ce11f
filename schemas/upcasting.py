"""How native events of former versions are read: an upcaster makes the next version's document of its own version's.

There has been one version, so there is no upcaster yet, and an event of any other version is a dead letter. Whoever
raises `schemas.event.VERSION` to n + 1 adds `UPCASTERS[n]`; what version n must be read as is in
`tests/contract/golden/messages`. Stored rows have upcasters of their own: `streams/rows/v1.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

Document = dict[str, Any]

UPCASTERS: Final[Mapping[int, Callable[[Document], Document]]] = {}
"""By version. Each raises `version` by one, changes nothing it is given, and takes invalid documents, too."""


def upcast(document: Any, upcasters: Mapping[int, Callable[[Document], Document]] = UPCASTERS) -> Any:
    """`document` in the newest version that upcasters lead to; what is no event of a former version, as it is."""
    while isinstance(document, dict) and type(document.get("version")) is int and document["version"] in upcasters:
        document = upcasters[document["version"]](document)
    return document
