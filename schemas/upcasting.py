"""How messages of former versions are read: an upcaster makes the next version's document of its own version's.

Whoever raises a message's version to n + 1 adds an upcaster of n to its table; what version n must be read as is in
`tests/contract/golden/messages`. Stored rows have upcasters of their own: `streams/rows/v1.py`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
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
    skills, as_of = document.get("skills"), document.get("as_of")
    if isinstance(skills, dict):
        skills = {name: _with_short_parts(_scored(skill), as_of) for name, skill in skills.items()}
    return {**document, "version": 2, "skills": skills}


def _with_kinds_explained(document: Document) -> Document:
    """An explanation of version 1, in which every skill had a score."""
    skills = document.get("skills")
    if isinstance(skills, list):
        skills = [_scored(skill) for skill in skills]
    return {**document, "version": 2, "skills": skills}


def _scored(skill: Any) -> Any:
    return {**skill, "kind": "score"} if isinstance(skill, dict) else skill


def _with_short_parts(skill: Any, as_of: Any) -> Any:
    """A skill of version 1, its evidence items as arrays, and without the sources that were absent."""
    if not isinstance(skill, dict):
        return skill
    contributions, evidence = skill.get("contributions"), skill.get("evidence")
    if isinstance(contributions, dict):
        contributions = {name: part for name, part in contributions.items() if not _is_absent(part)}
    if isinstance(evidence, list):
        evidence = [_as_array(item, as_of) for item in evidence]
    found = {"contributions": contributions, "evidence": evidence}
    return {**skill, **{name: part for name, part in found.items() if part is not None}}


def _is_absent(contribution: Any) -> bool:
    return isinstance(contribution, dict) and contribution.get("status") == "absent"


def _as_array(item: Any, as_of: Any) -> Any:
    if not isinstance(item, dict):
        return item
    try:
        second = datetime.fromisoformat(as_of).replace(microsecond=0)
        age_s = int((second - datetime.fromisoformat(item["time"])).total_seconds())
    except (KeyError, TypeError, ValueError, OverflowError):
        return item
    return [item.get("fact"), age_s, item.get("value"), item.get("task"), item.get("direction")]


EVENT_UPCASTERS: Final[Upcasters] = {}
"""Of `schemas.event`, which has had one version: an event of any other is a dead letter."""
UPDATE_UPCASTERS: Final[Upcasters] = {1: _with_kinds}
EXPLANATION_UPCASTERS: Final[Upcasters] = {1: _with_kinds_explained}
