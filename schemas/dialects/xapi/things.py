"""Rules for what is done to what: verbs, activities and their definitions, references (Data 2.4.3, 2.4.4).

Every function takes a part whose types are right and raises Broken, with the path from that part on.
"""

from msgspec import UNSET, UnsetType

from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.broken import BrokenStatement
from schemas.dialects.xapi.formats import IRIS
from schemas.dialects.xapi.values import extensions, identifier, iri, language_map


def verb(verb: s.Verb) -> None:
    if not IRIS[verb.id]:
        raise BrokenStatement("XAPI-00044", "not an absolute IRI", ".id")
    language_map(verb.display, ".display")


def activity(activity: s.Activity) -> None:
    if not IRIS[activity.id]:
        raise BrokenStatement("XAPI-00047", "not an absolute IRI", ".id")
    if activity.definition is not UNSET:
        try:
            _definition(activity.definition)
        except BrokenStatement as broken:
            raise broken.within(".definition") from None


def reference(reference: s.StatementRef) -> None:
    identifier(reference.id, "XAPI-00072", ".id")


def _definition(definition: s.Definition) -> None:
    if definition.type is not UNSET and not IRIS[definition.type]:
        raise BrokenStatement("XAPI-00060", "not an absolute IRI", ".type")
    language_map(definition.name, ".name")
    language_map(definition.description, ".description")
    if definition.more_info is not UNSET:
        iri(definition.more_info, "XAPI-00061", ".moreInfo")
    extensions(definition.extensions)
    if definition.interaction_type is UNSET and not (
        definition.correct_responses_pattern
        is definition.choices
        is definition.scale
        is definition.source
        is definition.target
        is definition.steps
        is UNSET
    ):
        raise BrokenStatement("XAPI-00064", "an interaction needs its interactionType")
    if definition.interaction_type is not UNSET:
        _components(definition.choices, ".choices")
        _components(definition.scale, ".scale")
        _components(definition.source, ".source")
        _components(definition.target, ".target")
        _components(definition.steps, ".steps")


def _components(components: list[s.Component] | UnsetType, path: str) -> None:
    if components is UNSET:
        return
    if len({component.id for component in components}) < len(components):
        raise BrokenStatement("XAPI-00058", "an id occurs twice", path)
    for index, component in enumerate(components):
        language_map(component.description, f"{path}[{index}].description")
