"""`identities`, written by a platform: which student another id is of, such as an account; that id is the key."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta, Struct

from schemas.errors import InvalidInput
from schemas.event import MAX_IDENTIFIER_CHARS


class StudentIdentity(Struct, frozen=True):
    """The value: the id of the student, under which the events are."""

    student_id: Annotated[str, Meta(min_length=1, max_length=MAX_IDENTIFIER_CHARS)]
    version: Literal[1] = 1


_VALUES: Final = msgspec.json.Decoder(StudentIdentity)


def read_identity(key: bytes, value: bytes) -> bytes:
    """The key of the student whose another id is. Raises InvalidInput (not_an_identity) and nothing else."""
    try:
        if not 1 <= len(key.decode()) <= MAX_IDENTIFIER_CHARS:
            raise InvalidInput("not_an_identity", f"the key has not 1 to {MAX_IDENTIFIER_CHARS} characters")
        return _VALUES.decode(value).student_id.encode()
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise InvalidInput("not_an_identity", f"no entry of identities: {type(error).__name__}") from None
