"""What `mapping.toml` says of norms: whose norms a course begins with."""

from msgspec import Struct


class NormOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Part `[norms]` of a mapping. `courses` are copies of courses, by their `course_id`, each with the course whose
    norm serves until the copy has its own.
    """

    courses: dict[str, str] = {}
