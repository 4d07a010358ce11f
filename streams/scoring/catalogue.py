"""The entry of one configuration in `skill-catalogue`: what its updates do not say, since it is the same in all."""

from typing import Final

from msgspec import UNSET, UnsetType

from schemas.catalogue import (
    CATALOGUE_VERSION,
    PHRASES,
    CataloguedFact,
    CataloguedSkill,
    CatalogueEntry,
    LevelThresholds,
    TrainingData,
    named_together,
)
from schemas.update import Kind
from streams.evidence.artifacts import Artifact, SkillCard
from streams.evidence.registry import Types
from streams.scoring.fusion import subsets
from streams.scoring.kinds import fitted_skills, fitted_sources
from streams.scoring.overrides import weights_of
from streams.scoring.rubric_scores import RATINGS_SOURCE
from streams.skills.skill_set import SkillSet
from streams.skills.sources import BUILT_IN
from streams.vocabulary import RUBRIC_FACT, RUBRIC_WORDS, Fact, Measure

OF_OUTCOME: Final = "the outcome, of 9 in 10 students of whom as much is known"
OF_LATER_ANSWERS: Final = "the mean of the student's later answers, in 9 of 10 cases"
BY_RATINGS: Final = "ratings by teachers"
MOST_TOGETHER: Final = 6
"""Sources with a weight in one skill up to which each set of them has its own words; of more, each source has."""


def catalogue_entry(skill_set: SkillSet, artifact: Artifact, types: Types, config_version: str) -> CatalogueEntry:
    """What updates of `config_version` are made with: the skill set and the artifact as they are configured."""
    levels = skill_set.levels
    return CatalogueEntry(
        version=CATALOGUE_VERSION,
        config_version=config_version,
        skill_set=skill_set.name,
        model=artifact.id,
        levels=LevelThresholds(
            developing=levels.developing, proficient=levels.proficient, min_confidence=levels.min_confidence
        ),
        skills={name: _skill(name, skill_set, artifact, types) for name in skill_set.names},
        facts=_FACTS,
    )


def _fact(words: str, measure: Measure | None) -> CataloguedFact:
    text = words.replace("[", "").replace("]", "").replace("{}", "{value}", 1).replace("{}", "{s}")
    if measure is None:
        return CataloguedFact(text=text)
    return CataloguedFact(text=text, unit=measure.unit, number=measure.number or UNSET)


_FACTS: Final = {
    **{fact.key: _fact(fact.words, fact.measure) for fact in Fact},
    RUBRIC_FACT: _fact(*RUBRIC_WORDS),
    PHRASES: CataloguedFact(text="wrote “{phrase}”"),
}


def _skill(name: str, skill_set: SkillSet, artifact: Artifact, types: Types) -> CataloguedSkill:
    skill, card, weights = skill_set.skills[name], artifact.card.skills.get(name), weights_of(skill_set, artifact)[name]
    kind = _kind(name, skill_set, artifact, types)
    spoken_of = {} if kind == "profile" else _rests_on(name, skill_set, types, _weighted(weights, card))
    return CataloguedSkill(
        definition=skill.definition,
        kind=kind,
        interval=_interval(card),
        weights={source: weight for source, weight in weights.items() if weight},
        rests_on={**spoken_of, RATINGS_SOURCE: BY_RATINGS},
        indicators={each.name: "" if each.words is UNSET else each.words for each in skill.indicators},
        trained_on=UNSET
        if card is None
        else TrainingData(labels=card.labels, examples=card.examples, students=card.students, held_out=card.held_out),
    )


def _kind(name: str, skill_set: SkillSet, artifact: Artifact, types: Types) -> Kind:
    if name in artifact.banks:
        return "mastery"
    weights = skill_set.skills[name].weights
    installed = any(each.trained and each.name not in BUILT_IN and weights.get(each.name) for each in types)
    return "score" if installed or name in fitted_skills(skill_set, artifact) else "profile"


def _interval(card: SkillCard | None) -> str | UnsetType:
    if card is not None and card.outcome_intervals is not None:
        return OF_OUTCOME
    return UNSET if card is None or card.intervals is None else OF_LATER_ANSWERS


def _weighted(weights: dict[str, float], card: SkillCard | None) -> list[str]:
    """The sources that have a weight, whichever others are present."""
    fit = None if card is None else card.fusion
    by_mask = () if fit is None else fit.mask_weights.values()
    return [source for source in weights if weights[source] or any(of_mask.get(source) for of_mask in by_mask)]


def _rests_on(name: str, skill_set: SkillSet, types: Types, sources: list[str]) -> dict[str, str]:
    """The words for each set of the sources, or for each of them where there are more than MOST_TOGETHER."""
    skill, column, fitted = skill_set.skills[name], skill_set.names.index(name), fitted_sources(skill_set, types)
    labelled = {source for source in sources if source in fitted and fitted[source][column]}
    sets = subsets(sources) if len(sources) <= MOST_TOGETHER else ((), *((source,) for source in sources))
    return {named_together(some): skill.rests_on(some, labelled=not labelled.isdisjoint(some)) for some in sets}
