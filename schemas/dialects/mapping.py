"""`mapping.toml`: a platform's own verbs and its students' keys, without code.

[[students]]
prefix = "https://lms.example.edu/users/"
key = ""

[xapi]
"https://lms.example.edu/verbs/peeked" = "hint"

[caliper]
"ForumEvent.Subscribed" = "navigation"
"""

import tomllib
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from schemas.dialects.act import KINDS
from schemas.dialects.students import StudentRule


class Mapping(Struct, frozen=True, forbid_unknown_fields=True):
    """What a platform adds to the tables: xAPI verbs by IRI, Caliper's `Type.Action`; both to a kind (see KINDS)."""

    students: tuple[StudentRule, ...] = ()
    xapi: dict[str, str] = {}
    caliper: dict[str, str] = {}

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a file. Raises OSError; ValueError, whose message names the file and what is wrong with it."""
        try:
            mapping = msgspec.convert(tomllib.loads(path.read_text("utf-8")), cls)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
            raise ValueError(f"{path}: {error}") from None
        for name, kind in (mapping.xapi | mapping.caliper).items():
            if kind not in KINDS:
                raise ValueError(f"{path}: {name!r} is to be {kind!r}; kinds are {', '.join(sorted(KINDS))}")
        return mapping


NO_MAPPING = Mapping()
