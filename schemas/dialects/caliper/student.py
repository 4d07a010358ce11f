"""Who an event is about.

The actor, but for two: a graded attempt's assignee, and the user of a session that timed out. No student is who is no
person, who is anonymous, and who acts in a group where all their roles are others than a learner's.
"""

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from schemas.dialects.caliper.values import is_iri
from schemas.dialects.caliper.version import StudentProperty

NO_ASSIGNEE: Final = "no assignee"
NO_USER: Final = "no user"
NO_PERSON: Final = "no person"
NO_LEARNER: Final = "no learner"
ANONYMOUS: Final = "anonymous"

_ANONYMOUS: Final = ("_:", "http://purl.imsglobal.org/caliper/", "https://purl.imsglobal.org/caliper/")
_NO_PEOPLE: Final = frozenset(("SoftwareApplication", "Organization", "Group", "CourseOffering", "CourseSection"))
_NO_LEARNERS: Final = ("Administrator", "ContentDeveloper", "Instructor", "Manager", "Mentor", "Officer")


class Who(Struct, frozen=True):
    """The IRI of a student; or none, and why."""

    name: str
    why: str = ""


def who(event: Mapping[str, Any], student: StudentProperty) -> Who:
    """The student of a valid event, whom its table calls `student`."""
    if student == "assignee":
        return _person(entity(described_attempt(event).get("assignee")), NO_ASSIGNEE)
    if student == "user":
        sessions = (entity(event.get(name)) for name in ("object", "session", "federatedSession"))
        return _person(next((entity(one["user"]) for one in sessions if one.get("user")), {}), NO_USER)
    found = _person(entity(event["actor"]), NO_PERSON)
    return Who("", NO_LEARNER) if found.name and _teaches(event, found.name) else found


def entity(value: Any) -> Mapping[str, Any]:
    """An entity, of which maybe no more than its id is known; empty for none."""
    if isinstance(value, dict):
        return value if isinstance(value.get("id"), str) else {}  # a further context's entity may hold anything
    return {"id": value} if isinstance(value, str) and value else {}


def described_attempt(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attempt that an event grades, hands in or generates, as far as it is described; empty for none."""
    for name in ("object", "generated"):
        found = entity(event.get(name))
        if found.get("type") == "Attempt":
            return found
        if isinstance(within := found.get("attempt"), dict):
            return within
    return {}


def _person(found: Mapping[str, Any], none: str) -> Who:
    name = found.get("id", "")
    if not is_iri(name):
        return Who("", none)
    if found.get("type") in _NO_PEOPLE:
        return Who("", NO_PERSON)
    return Who("", ANONYMOUS) if name.startswith(_ANONYMOUS) else Who(name)


def _teaches(event: Mapping[str, Any], name: str) -> bool:
    """Whether the actor's membership gives roles, none of them a learner's."""
    membership = entity(event.get("membership"))
    roles = membership.get("roles")
    if not isinstance(roles, list) or not roles or "Learner" in roles:
        return False
    if entity(membership.get("member")).get("id", name) != name:
        return False
    return all(isinstance(role, str) and _context_role(role) in _NO_LEARNERS for role in roles)


def _context_role(role: str) -> str:
    """`Instructor` for Instructor#Grader, membership#Instructor and membership/Instructor#Grader."""
    first, _, rest = role.rpartition("/")[2].partition("#")
    return rest.partition("#")[0] if first == "membership" else first
