"""The names that are ours: those of the shipped tables, and those of a platform's mapping.

What a producer writes may be anything, a person's address too: only names that are found here may become a metric's
label. All others are `other`.
"""

from typing import Final

from schemas.dialects.caliper.dialect import NO_SCORE
from schemas.dialects.caliper.student import ANONYMOUS, NO_ASSIGNEE, NO_LEARNER, NO_PERSON, NO_USER
from schemas.dialects.caliper.v1p1 import V1P1
from schemas.dialects.caliper.v1p2 import V1P2
from schemas.dialects.mapping import NO_MAPPING, Mapping
from schemas.dialects.openedx import NO_SUBJECT
from schemas.dialects.openedx.names import NAMES
from schemas.dialects.openedx.tracked import REQUEST
from schemas.dialects.xapi.verbs import VERBS

OTHER: Final = "other"
UNKNOWN_SKILL: Final = "unknown_skill"
_NATIVE: Final = frozenset(("voided_not_held", UNKNOWN_SKILL))
_XAPI: Final = frozenset(VERBS) | {"group_without_members"}
_CALIPER: Final = frozenset(
    name
    for version in (V1P1, V1P2)
    for name in (*version.entities, *(f"{type_}.{action}" for type_, uses in version.events.items() for action in uses))
)
_REASONS: Final = frozenset((NO_SCORE, NO_ASSIGNEE, NO_USER, NO_PERSON, NO_LEARNER, ANONYMOUS, NO_SUBJECT))
_OPEN_EDX: Final = frozenset((*NAMES, REQUEST))


class Vocabulary:
    """The names by dialect, with what a `mapping` adds."""

    def __init__(self, mapping: Mapping = NO_MAPPING) -> None:
        self._names = {
            "native": _NATIVE,
            "xapi": _XAPI.union(mapping.xapi),
            "caliper": _CALIPER.union(mapping.caliper),
            "openedx": _OPEN_EDX.union(mapping.openedx.kinds),
        }

    def label(self, dialect: str, name: str) -> str:
        """What may be said of an ignored part's `name` and, in brackets, of the reason; `other` where nothing may."""
        names = self._names.get(dialect, frozenset())
        base, _, reason = name.partition(" (")
        if name in names or (base in names and reason.removesuffix(")") in _REASONS):
            return name
        return base if base in names else OTHER


SHIPPED: Final = Vocabulary()
