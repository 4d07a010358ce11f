"""How messages of former versions are read: an upcaster makes the next version's document of its own version's.

Whoever raises a message's version to n + 1 adds an upcaster of n to its table; what version n must be read as is in
`tests/contract/golden/messages`. Stored rows have upcasters of their own: `streams/rows/v1.py`.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

import msgspec

Document = dict[str, Any]
_Message = TypeVar("_Message")

Upcasters = Mapping[int, Callable[[Document], Document]]
"""By version. Each raises `version` by one, changes nothing it is given, and takes invalid documents, too."""


def upcast(document: Any, upcasters: Upcasters) -> Any:
    """`document` in the newest version that upcasters lead to; what is no message of a former version, as it is."""
    while isinstance(document, dict) and type(document.get("version")) is int and document["version"] in upcasters:
        document = upcasters[document["version"]](document)
    return document


def read_message(value: bytes, decoder: msgspec.json.Decoder[_Message], upcasters: Upcasters) -> _Message:
    """The message in a record's value, of the version that `decoder` reads or a former one.

    Raises msgspec.MsgspecError, or UnicodeDecodeError, for what is none.
    """
    try:
        return decoder.decode(value)
    except msgspec.ValidationError:
        former = _decode_former(value, upcasters)
        if former is None:
            raise
        return msgspec.convert(former, decoder.type)


def _decode_former(value: bytes, upcasters: Upcasters) -> Document | None:
    """The document in a JSON text of a former version, upcast; None for any other text."""
    try:
        document = msgspec.json.decode(value)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    present: Document = upcast(document, upcasters)
    return None if present is document else present


def _with_kinds(document: Document) -> Document:
    """An update of version 1, in which every skill was a score with an interval."""
    skills = document.get("skills")
    if isinstance(skills, dict):
        skills = {name: _scored(skill) for name, skill in skills.items()}
    return {**document, "version": 2, "skills": skills}


def _with_kinds_explained(document: Document) -> Document:
    """An explanation of version 1, in which every skill had a score."""
    skills = document.get("skills")
    if isinstance(skills, list):
        skills = [_scored(skill) for skill in skills]
    return {**document, "version": 2, "skills": skills}


def _scored(skill: Any) -> Any:
    return {**skill, "kind": "score"} if isinstance(skill, dict) else skill


EVENT_UPCASTERS: Final[Upcasters] = {}
"""Of `schemas.event`, which has had one version: an event of any other is a dead letter."""
UPDATE_UPCASTERS: Final[Upcasters] = {1: _with_kinds}
EXPLANATION_UPCASTERS: Final[Upcasters] = {1: _with_kinds_explained}
