"""What `mapping.toml` says of Open edX: how its students and items are called, and what its other events mean."""

from typing import Literal

from msgspec import Struct


class OpenEdxOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Part `[openedx]` of a mapping.

    With `root_url`, the LMS's address, items and courses are called as in the xAPI that Open edX derives, else by their
    keys alone (`block-v1:…`). `student` says by what students are known where an event has both. `students` names the
    account of xAPI of a user id, or of a username. `texts` has what is written in a forum read, which the derived
    statements leave out. `kinds` are kinds by name: they win over the table.
    """

    root_url: str = ""
    student: Literal["user_id", "username"] = "user_id"
    students: dict[str, str] = {}
    texts: bool = False
    kinds: dict[str, str] = {}
