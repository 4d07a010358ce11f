"""Rules for what is said besides: result, context, attachments (Data 2.4.5, 2.4.6, 2.4.11).

Every function takes a part whose types are right and raises Broken, with the path from that part on.
"""

import re
from typing import Final

from msgspec import UNSET, UnsetType

from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.broken import BrokenStatement, each, within
from schemas.dialects.xapi.formats import LANGUAGES, is_media_type, is_sha2
from schemas.dialects.xapi.identity import actor, agent, group
from schemas.dialects.xapi.things import activity, reference
from schemas.dialects.xapi.times import seconds_of_duration
from schemas.dialects.xapi.values import extensions, identifier, iri, language_map

_SIGNATURE: Final = "http://adlnet.gov/expapi/attachments/signature"
_OCTETS: Final = re.compile(r"application/octet-stream\s*(?:;|\Z)", re.IGNORECASE)


def result(result: s.Result) -> None:
    score = result.score
    if score is not UNSET:
        low, high, raw = score.min, score.max, score.raw
        if low is not UNSET and high is not UNSET and low > high:
            raise BrokenStatement("XAPI-00080", "max is less than min", ".score.max")
        if raw is not UNSET and ((low is not UNSET and raw < low) or (high is not UNSET and raw > high)):
            raise BrokenStatement("XAPI-00082", "raw is not between min and max", ".score.raw")
    if result.duration is not UNSET and seconds_of_duration(result.duration) is None:
        raise BrokenStatement("XAPI-00077", "not an ISO 8601 duration", ".duration")
    extensions(result.extensions)


def context(context: s.Context, version: str, object: s.Object) -> None:
    if context.registration is not UNSET:
        identifier(context.registration, "XAPI-00087", ".registration")
    if context.instructor is not UNSET:
        within(".instructor", actor, context.instructor)
    if context.team is not UNSET:
        within(".team", group, context.team)
    if context.context_activities is not UNSET:
        within(".contextActivities", _context_activities, context.context_activities)
    if context.revision is not UNSET and not isinstance(object, s.Activity):
        raise BrokenStatement("XAPI-00084", "revision goes with an Activity as object alone", ".revision")
    if context.platform is not UNSET and not isinstance(object, s.Activity):
        raise BrokenStatement("XAPI-00085", "platform goes with an Activity as object alone", ".platform")
    if context.language is not UNSET and not LANGUAGES[context.language]:
        raise BrokenStatement("XAPI-00091", "not an RFC 5646 language tag", ".language")
    if context.statement is not UNSET:
        within(".statement", reference, context.statement)
    extensions(context.extensions)
    if context.context_agents is not UNSET or context.context_groups is not UNSET:
        _context_of_version_2(context, version)


def attachment(attachment: s.Attachment) -> None:
    iri(attachment.usage_type, "XAPI-00107", ".usageType")
    language_map(attachment.display, ".display")
    language_map(attachment.description, ".description")
    if not is_media_type(attachment.content_type):
        raise BrokenStatement("XAPI-00105", "not a media type", ".contentType")
    if attachment.usage_type == _SIGNATURE and not _OCTETS.match(attachment.content_type):
        raise BrokenStatement("XAPI-00115", "a signature is application/octet-stream", ".contentType")
    if not is_sha2(attachment.sha2):
        raise BrokenStatement("XAPI-00103", "not a SHA-2 in hexadecimal", ".sha2")
    if attachment.file_url is not UNSET:
        iri(attachment.file_url, "XAPI-00104", ".fileUrl")


def _context_activities(activities: s.ContextActivities) -> None:
    parent, grouping, category, other = activities.parent, activities.grouping, activities.category, activities.other
    if parent is not UNSET:
        _activities(parent, ".parent")
    if grouping is not UNSET:
        _activities(grouping, ".grouping")
    if category is not UNSET:
        _activities(category, ".category")
    if other is not UNSET:
        _activities(other, ".other")


def _activities(held: s.Activity | list[s.Activity], path: str) -> None:
    if isinstance(held, list):
        each(activity, held, path)
    else:
        within(path, activity, held)


def _context_of_version_2(context: s.Context, version: str) -> None:
    if version == "1.0":
        name = "contextAgents" if context.context_agents is not UNSET else "contextGroups"
        raise BrokenStatement("XAPI-00010", f"{name} is xAPI 2.0's; this statement says that it is of 1.0", f".{name}")
    each(_context_agent, context.context_agents or (), ".contextAgents")
    each(_context_group, context.context_groups or (), ".contextGroups")


def _context_agent(held: s.ContextAgent) -> None:
    within(".agent", agent, held.agent)
    _relevant_types(held.relevant_types)


def _context_group(held: s.ContextGroup) -> None:
    within(".group", group, held.group)
    _relevant_types(held.relevant_types)


def _relevant_types(types: list[str] | UnsetType) -> None:
    for index, text in enumerate(types or ()):
        iri(text, "IEEE 9274.1.1 relevantTypes", f".relevantTypes[{index}]")
