"""Overrides of `fusion-config` upon a skill set and an artifact: whether they fit, and what comes of them. Pure."""

import hashlib
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from schemas.configuration.similar import choices
from schemas.errors import SkillstreamError
from schemas.fusion_config import Overrides
from streams.evidence.artifacts import Artifact
from streams.skills.skill_set import SkillSet

Refusal = Literal["partition", "unreadable", "key", "skill", "source", "weights", "levels"]
"""Why a configuration is refused, as metrics count it."""

NO_OVERRIDES: Final = Overrides()
_VERSION_CHARS: Final = 12


class ConfigRefused(SkillstreamError):
    """A configuration that cannot be in force; the message says why, and what is allowed."""

    def __init__(self, refusal: Refusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class Configured(NamedTuple):
    """A skill set and an artifact, as fusion and updates are to take them."""

    skill_set: SkillSet
    artifact: Artifact


def version_of(overrides: Overrides) -> str:
    """Twelve hex digits of the content's SHA-256; empty where nothing is overridden."""
    content = _without_empty(msgspec.to_builtins(overrides))
    return hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()[:_VERSION_CHARS] if content else ""


def config_version_under(overrides: Overrides, base_version: str) -> str:
    """What updates name: the version of skill set and artifact and, behind it, that of what is overridden, if any."""
    return "-".join(filter(None, (base_version, version_of(overrides))))


def apply_overrides(overrides: Overrides, skill_set: SkillSet, artifact: Artifact) -> Configured:
    """Both with the overrides in them; the artifact's digest stays, since no file of it changes.

    An overridden weight holds whichever other sources are present: what was fitted for single masks gives way.
    Raises ConfigRefused for a skill or source that is not in use, levels that cross, a skill left without any weight.
    """
    skills, cards = dict(skill_set.skills), dict(artifact.card.skills)
    for name, weights in overrides.weights.items():
        if name not in skills:
            raise ConfigRefused("skill", f"weights.{name}: no such skill; there are {choices(name, skill_set.names)}")
        for source in weights:
            if source not in skill_set.source_names:
                known = choices(source, skill_set.source_names)
                raise ConfigRefused("source", f"weights.{name}.{source}: no such source in use; there are {known}")
        skills[name] = replace(skills[name], weights={**skills[name].weights, **weights})
        card = cards.get(name)
        if card is not None and (fit := card.fusion) is not None:
            by_mask = {
                mask: {source: weight for source, weight in fitted.items() if source not in weights}
                for mask, fitted in fit.mask_weights.items()
            }
            cards[name] = replace(card, fusion=replace(fit, weights={**fit.weights, **weights}, mask_weights=by_mask))
    levels = _with(skill_set.levels, overrides.levels)
    if overrides.levels is not UNSET and levels.developing >= levels.proficient:
        crossed = f"developing would be {levels.developing:g}, proficient {levels.proficient:g}"
        raise ConfigRefused("levels", f"levels: developing must be below proficient; {crossed}")
    configured = Configured(
        replace(skill_set, skills=skills, levels=levels, fusion=_with(skill_set.fusion, overrides.fusion)),
        Artifact(replace(artifact.card, skills=cards), artifact.models, artifact.digest, artifact.banks),
    )
    weights_in_force = weights_of(*configured)
    for name in overrides.weights:
        if not any(weights_in_force[name].values()):
            raise ConfigRefused("weights", f"weights.{name}: no source would have a weight above 0")
    return configured


def weights_of(skill_set: SkillSet, artifact: Artifact) -> dict[str, dict[str, float]]:
    """The weight of each source in each skill: the fitted one where there is one, else the skills file's."""
    weights = {}
    for name, skill in skill_set.skills.items():
        card = artifact.card.skills.get(name)
        fitted = card.fusion.weights if card is not None and card.fusion is not None else {}
        of_skill = {**skill.weights, **fitted}
        weights[name] = {source: of_skill.get(source, 0.0) for source in skill_set.source_names}
    return weights


def merged(overrides: Overrides, changes: Overrides) -> Overrides:
    """The overrides with `changes` in them, field by field."""
    weights = {skill: dict(of_skill) for skill, of_skill in overrides.weights.items()}
    for skill, of_skill in changes.weights.items():
        weights[skill] = {**weights.get(skill, {}), **of_skill}
    return Overrides(
        weights=weights,
        levels=_merged(overrides.levels, changes.levels),
        fusion=_merged(overrides.fusion, changes.fusion),
    )


def _with(settings: Any, overrides: Struct | UnsetType) -> Any:
    return settings if overrides is UNSET else replace(settings, **_named(overrides))


def _merged(overrides: Any, changes: Any) -> Any:
    if overrides is UNSET or changes is UNSET:
        return overrides if changes is UNSET else changes
    return replace(overrides, **_named(changes))


def _named(overrides: Struct) -> dict[str, Any]:
    """The fields that are set, by name."""
    return {name: value for name, value in msgspec.structs.asdict(overrides).items() if value is not UNSET}


def _without_empty(content: Any) -> Any:
    if not isinstance(content, dict):
        return content
    cleaned = {name: _without_empty(value) for name, value in content.items()}
    return {name: value for name, value in cleaned.items() if value != {}}
