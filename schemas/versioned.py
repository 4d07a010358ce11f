"""JSON files of one of our types that tell their version: a file of another one is named as such, whatever is in it."""

from typing import TypeVar

import msgspec
from msgspec import Struct

_T = TypeVar("_T")


class _Versioned(Struct):
    version: int


def read_versioned(stored: bytes, type_: type[_T], version: int, most_bytes: int, error_type: type[Exception]) -> _T:
    """What these bytes hold. Raises an `error_type` that says what is wrong with it: size, version or content."""
    if len(stored) > most_bytes:
        raise error_type(f"it has {len(stored)} bytes, {most_bytes} are allowed")
    try:
        found = msgspec.json.decode(stored, type=_Versioned).version
        if found != version:
            raise error_type(f"it has version {found}, {version} is read here")
        return msgspec.json.decode(stored, type=type_)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise error_type(str(error)) from None
