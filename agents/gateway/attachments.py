"""Attachments of a request's statements: each content is in the request, or where a `fileUrl` says."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Any, Final

import orjson

from agents.gateway.refusal import NotTaken
from schemas.dialects.xapi.broken import BrokenStatement

_SIGNATURE: Final = "http://adlnet.gov/expapi/attachments/signature"
_ALGORITHMS: Final = ("RS256", "RS384", "RS512")
_JWS_PARTS: Final = 3


class Attachments:
    """Of one request, whose `contents` are by their hashes."""

    def __init__(self, contents: Mapping[str, memoryview]) -> None:
        self._contents = contents
        self._named: set[str] = set()

    def check(self, statement: Any) -> None:
        """Of a valid statement. Raises BrokenStatement."""
        for path, attachment in _of(statement):
            said = attachment["sha2"].lower()
            content = self._contents.get(said)
            if content is None and "fileUrl" not in attachment:
                raise BrokenStatement("XAPI-00129", "its content is neither in the request nor at a fileUrl", path)
            if content is not None:
                if len(content) != attachment["length"]:
                    raise BrokenStatement("XAPI-00102", "its content has another length", path)
                if attachment["usageType"] == _SIGNATURE:
                    _require_jws(content, path)
            self._named.add(said)

    def require_all_named(self) -> None:
        """Once all statements were checked. Raises NotTaken (400) where a content is of none."""
        if self._contents.keys() - self._named:
            raise NotTaken(400, "unreadable", "a content is of no attachment of the statements", rule="XAPI-00128")


def _of(statement: Any) -> Iterator[tuple[str, Any]]:
    """With where each stands, of a SubStatement too."""
    for holder, path in ((statement, ""), (statement["object"], ".object")):
        if path and holder.get("objectType") != "SubStatement":
            continue
        for index, attachment in enumerate(holder.get("attachments", ())):
            yield f"{path}.attachments[{index}]", attachment


def _require_jws(content: memoryview, path: str) -> None:
    """The form of a signature (Data 2.6). Whether it is true, and of just this statement, is not looked at."""
    parts = bytes(content).split(b".", _JWS_PARTS)
    header = _jose(parts[0])
    if len(parts) != _JWS_PARTS or header is None:
        raise BrokenStatement("XAPI-00115", "it is no JSON web signature in compact form", path)
    if header.get("alg") not in _ALGORITHMS:
        raise BrokenStatement("XAPI-00117", f"its algorithm is none of {', '.join(_ALGORITHMS)}", path)
    if _jose(parts[1]) is None:
        raise BrokenStatement("XAPI-00116", "its payload is no statement in JSON", path)


def _jose(text: bytes) -> dict[str, Any] | None:
    """A JSON object in base64url without padding; None for what is none."""
    try:
        said = orjson.loads(base64.b64decode(text + b"=" * (-len(text) % 4), b"-_", validate=True))
    except (binascii.Error, orjson.JSONDecodeError):
        return None
    return said if isinstance(said, dict) else None
