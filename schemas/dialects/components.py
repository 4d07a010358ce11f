"""Knowledge components as xAPI and Caliper name them: by the IRIs of activities and entities of certain types."""

from collections.abc import Iterable
from hashlib import sha256
from itertools import islice

from msgspec import Struct

from schemas.event import MAX_COMPONENT_CHARS, MAX_COMPONENTS_OF_EVENT

_HASH_CHARS = 15  # 60 bits
_END_CHARS = MAX_COMPONENT_CHARS - _HASH_CHARS - 1


class ComponentTypes(Struct, frozen=True, forbid_unknown_fields=True):
    """Which types are components: of xAPI's activities, by IRI, and of Caliper's entities. By default what the
    standards have: ADL's objective, the competency of its TLA profile, Caliper's LearningObjective.
    """

    xapi: tuple[str, ...] = (
        "http://adlnet.gov/expapi/activities/objective",
        "https://w3id.org/xapi/tla/activity-types/competency",
    )
    caliper: tuple[str, ...] = ("LearningObjective",)


def component_names(iris: Iterable[str]) -> tuple[str, ...]:
    """The names of the first MAX_COMPONENTS_OF_EVENT different components that `iris` name."""
    return tuple(map(_name, islice(dict.fromkeys(filter(None, iris)), MAX_COMPONENTS_OF_EVENT)))


def _name(iri: str) -> str:
    """The IRI; of one that is too long the end, behind as much of the IRI's SHA-256 as keeps two of one end apart."""
    if len(iri) <= MAX_COMPONENT_CHARS:
        return iri
    return f"{sha256(iri.encode()).hexdigest()[:_HASH_CHARS]}…{iri[-_END_CHARS:]}"
