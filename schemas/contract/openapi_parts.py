"""What the OpenAPI documents of workers and gateways have in common."""

from typing import Any, Final

JSON_MEDIA: Final = "application/json"
NDJSON_MEDIA: Final = "application/x-ndjson"
RETRY: Final = {"Retry-After": {"description": "In seconds.", "schema": {"type": "integer", "minimum": 1}}}
"""The header of answers after which to try again."""


def object_of(*required: str) -> dict[str, Any]:
    """The schema of an object with these members, and maybe others."""
    return {"type": "object", "required": list(required)}


def ref(*path: str) -> dict[str, Any]:
    """A reference to one of the document's components."""
    return {"$ref": f"#/components/{'/'.join(path)}"}
