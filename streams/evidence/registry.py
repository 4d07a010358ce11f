"""The sources in use: their lines in the registry looked up, and the sources made."""

import hashlib
from importlib.metadata import EntryPoint

import msgspec

from schemas.update import UPDATE_VERSION
from streams.evidence.artifacts import Artifact
from streams.evidence.source import Source, SourceType
from streams.skills.skill_set import SkillsError, SkillSet
from streams.skills.sources import BUILT_IN, registered

Types = tuple[SourceType, ...]


def types_of(skill_set: SkillSet) -> Types:
    """The types of the sources in use, the built-in first.

    Raises SkillsError for one that is not installed, or that cannot be loaded.
    """
    return tuple(_type_of(name) for name in skill_set.source_names)


def make_sources(types: Types, skill_set: SkillSet, artifact: Artifact) -> list[Source]:
    """A source of each type. Raises SkillsError for one that cannot be made, its settings being wrong or missing."""
    return [_made(each, skill_set, artifact) for each in types]


def config_version(skill_set: SkillSet, types: Types, artifact: Artifact) -> str:
    """What updates name: the skill set, the sources that are not built in, as they are declared, the artifact, and the
    version of the updates themselves: one that says the same otherwise is another one.
    """
    declared = [each.declared for each in types if each.name not in BUILT_IN]
    named = msgspec.json.encode([UPDATE_VERSION, skill_set.config_version, declared])
    version = hashlib.sha256(named).hexdigest()[:12]
    return f"{version}-{artifact.digest[:8]}"


def _type_of(name: str) -> SourceType:
    points = registered(name)
    if len(points) != 1:
        claimed = " and ".join(point.value for point in points) or "no installed package"
        raise SkillsError(f"source {name} is registered by {claimed}: install one package that has it")
    found = _loaded(points[0])
    if not isinstance(found, SourceType) or found.name != name:
        raise SkillsError(f"source {name}: {points[0].value} is not the SourceType of that name")
    return found


def _loaded(point: EntryPoint) -> object:
    try:
        return point.load()
    except Exception as error:  # whatever a package that is not ours raises when it is imported
        raise SkillsError(f"source {point.name}: {point.value} cannot be loaded: {error!r}") from error


def _made(kind: SourceType, skill_set: SkillSet, artifact: Artifact) -> Source:
    if kind.name in BUILT_IN:
        return kind.make(skill_set, artifact)
    try:
        return kind.make(skill_set, artifact)
    except Exception as error:  # as above
        raise SkillsError(f"source {kind.name} cannot be made, see [sources.{kind.name}]: {error!r}") from error
