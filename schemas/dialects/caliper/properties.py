"""What the properties of entities may be, as appendix C has it: 1.1's, and with those 1.2's.

By name alone: no name is of one form here and of another there. Links and arrays are by the type of what they name.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from schemas.dialects.caliper.roles import is_roles
from schemas.dialects.caliper.values import (
    DURATIONS,
    INSTANTS,
    Checked,
    is_boolean,
    is_count,
    is_integer,
    is_number,
    is_texts,
)
from schemas.dialects.caliper.version import PropertyCheck, others, texts

_STATUSES: Final = Checked(re.compile("(?:.*#)?(?:Active|Inactive)").fullmatch)


def _is_selection(value: Any) -> bool:
    return type(value) is dict and is_integer(value.get("start")) and is_integer(value.get("end"))


def _is_map(value: Any) -> bool:
    return type(value) is dict


PROPERTIES: Final[Mapping[str, PropertyCheck]] = {
    **texts("dateCreated dateModified datePublished dateToActivate dateToShow dateToStartOn", "2.2-date", INSTANTS),
    **texts("dateToSubmit startedAtTime endedAtTime", "2.2-date", INSTANTS),
    **texts("duration currentTime", "C-duration", DURATIONS),
    **texts("status", "F-status", _STATUSES),
    **texts("name description body bookmarkNotes comment selectionText value version mediaType", "C-string"),
    **texts("academicSession category courseNumber volumeLevel volumeMax volumeMin", "C-string"),
    **others("keywords tags values", "C-strings", is_texts),
    **others("isTimeDependent muted", "C-boolean", is_boolean),
    **others("maxScore scoreGiven maxResultScore resultScore", "C-number", is_number),
    **others("count index maxAttempts maxSubmits", "C-count", is_count),
    **others("extensions", "2.1-extensions", _is_map),
    **others("selection", "D-selection", _is_selection),
    **others("roles", "E-roles", is_roles),
}

READ_PROPERTIES: Final = frozenset(
    """id type assignable assignee attempt body bookmarkNotes count currentTime dateToSubmit duration endedAtTime
    maxResultScore maxScore member replyTo resultScore roles scoreGiven startedAtTime user value""".split()
)
"""What is read of entities; of all else it does not matter whether it is right."""

LINKS: Final[Mapping[str, str]] = {
    "Agent": "scoredBy",
    "Attempt": "attempt",
    "DigitalResource": "annotated assignable",
    "Entity": "isPartOf",
    "Message": "replyTo",
    "Organization": "organization subOrganizationOf",
    "Person": "annotator assignee member user",
}
ARRAYS: Final[Mapping[str, str]] = {
    "Agent": "creators members withAgents",
    "DigitalResource": "attachments",
    "Entity": "items",
    "LearningObjective": "learningObjectives",
}

PROPERTIES_1P2: Final[Mapping[str, PropertyCheck]] = {
    **PROPERTIES,
    **texts("dateSent dateTimeSelected maxDateTime minDateTime", "2.2-date", INSTANTS),
    **texts("host ipAddress maxLabel minLabel questionPosed searchTerms storageName userAgent", "C-string"),
    **others("categories itemLabels itemValues selections", "C-strings", is_texts),
    **others("isOrderedSelection", "C-boolean", is_boolean),
    **others("maxMetricValue maxValue metricValue minValue step weight", "C-number", is_number),
    **others("points scalePoints", "C-integer", is_integer),
    **others("searchResultsItemCount sentCount", "C-count", is_count),
}

LINKS_1P2: Final[Mapping[str, str]] = {
    **LINKS,
    "Comment": "ratingComment",
    "Entity": LINKS["Entity"] + " commentedOn rated searchTarget",
    "Person": LINKS["Person"] + " commenter creator rater",
    "Query": "query",
    "Question": "question",
    "Scale": "scale",
    "SoftwareApplication": "client searchProvider",
    "Survey": "survey",
}
ARRAYS_1P2: Final[Mapping[str, str]] = {**ARRAYS, "Entity": ARRAYS["Entity"] + " searchResults"}
