"""Rules for values: identifiers, IRIs, language maps, extensions, timestamps, the version.

Every function raises Broken, with the path given.
"""

from datetime import datetime
from typing import Any

from msgspec import UNSET, UnsetType

from schemas.dialects.xapi.broken import VERSION_RULE, BrokenStatement
from schemas.dialects.xapi.formats import IRIS, LANGUAGES, VERSION_FORM, is_uuid
from schemas.dialects.xapi.times import moment


def statement_version(text: str | UnsetType) -> str:
    """`1.0` or `2.0`: by which version's rules the statement is to be read.

    Empty where it says none, as clients may, since requests say it in a header: then what either version allows is
    right.
    """
    if text is UNSET:
        return ""
    if not VERSION_FORM[text]:
        raise BrokenStatement(VERSION_RULE, "versions 1.0, 1.0.x, 2.0 and 2.0.x are read", ".version")
    return text[:3]


def identifier(text: str, rule: str, path: str) -> None:
    if not is_uuid(text):
        raise BrokenStatement(rule, "not a UUID in standard string form", path)


def iri(text: str, rule: str, path: str) -> None:
    if not IRIS[text]:
        raise BrokenStatement(rule, "not an absolute IRI", path)


def language_map(texts: dict[str, str] | UnsetType, path: str) -> None:
    if texts is not UNSET:
        for tag in texts:
            if not LANGUAGES[tag]:
                raise BrokenStatement("XAPI-00121", "a key is no RFC 5646 language tag", path)


def extensions(values: dict[str, Any] | UnsetType, path: str = ".extensions") -> None:
    if values is not UNSET:
        for name in values:
            if not IRIS[name]:
                raise BrokenStatement("XAPI-00118", "a key is not an absolute IRI", path)


def timestamp(text: str, version: str, path: str) -> datetime:
    time = moment(text, rfc_3339=version == "2.0")
    if time is None:
        form = "an RFC 3339" if version == "2.0" else "an ISO 8601"
        raise BrokenStatement("XAPI-00123", f"not {form} timestamp; no time is at -00:00", path)
    return time
