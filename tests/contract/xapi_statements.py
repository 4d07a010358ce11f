"""xAPI statements of our own making, and what they come to."""

from hashlib import sha1
from typing import Any, Final

from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.record import Decoded
from schemas.dialects.xapi import Xapi
from schemas.event import NativeEvent
from tests.events import record

ID: Final = "6d1f033b-3f70-458c-b53a-e6bb63cbaef9"
OTHER_ID: Final = "e05aa883-acaf-40ad-bf54-02c8ce485fb0"
ADL: Final = "http://adlnet.gov/expapi/verbs/"
ADL_TYPE: Final = "http://adlnet.gov/expapi/activities/"
TINCAN: Final = "http://id.tincanapi.com/verb/"
TINCAN_TYPE: Final = "http://id.tincanapi.com/activitytype/"
ACROSSX: Final = "https://w3id.org/xapi/acrossx/verbs/"
VIDEO: Final = "https://w3id.org/xapi/video/verbs/"
FILM: Final = "https://w3id.org/xapi/video/activity-type/video"
ADA: Final[dict[str, Any]] = {"account": {"homePage": "https://school.example", "name": "ada"}}
BEN: Final[dict[str, Any]] = {"mbox": "mailto:ben@school.example"}
CLASS: Final[dict[str, Any]] = {"objectType": "Group", "member": [ADA, BEN]}
KEY_OF_ADA: Final = "https://school.example/ada"
KEY_OF_BEN: Final = f"mbox_sha1sum:{sha1(b'mailto:ben@school.example').hexdigest()}"
ITEM: Final = "https://school.example/items/3"


def statement(did: str = f"{ADL}answered", about: str = f"{ADL_TYPE}question", /, **given: Any) -> dict[str, Any]:
    """A statement of Ada; properties given replace its own, None takes them out."""
    made: dict[str, Any] = {
        "id": ID,
        "actor": ADA,
        "verb": {"id": did, "display": {"en-US": "did"}},
        "object": {"id": ITEM, **({"definition": {"type": about}} if about else {})},
        "timestamp": "2026-03-02T11:00:00.000Z",
        **given,
    }
    return {name: value for name, value in made.items() if value is not None}


def decoded(document: object, mapping: Mapping = NO_MAPPING, key: bytes | None = None) -> Decoded:
    return Xapi(mapping).decode(document, record(b"", key=key))


def event_of(document: object, mapping: Mapping = NO_MAPPING) -> NativeEvent:
    found = decoded(document, mapping)
    assert (found.invalid, found.ignored) == ([], [])
    [event] = found.events
    return event
