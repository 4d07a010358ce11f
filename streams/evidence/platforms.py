"""What the platforms of a stream tell: an indicator speaks only where what it counts can occur.

Of a platform that never says that a task was tried again, 'tried again after 0 of 50 failures' is no rate but a hole in
what is known. Whether it says so is declared in the skills file or was found by `train` in a history; it is never
guessed from a student's own events: whoever did it once would have a low rate, and whoever never did it, none.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from streams.evidence.artifacts import Artifact, SkillCard
from streams.evidence.features import facts_read
from streams.skills.skill_set import Indicator, SkillSet
from streams.vocabulary import INDEX, SETTLED_BY


@dataclass(frozen=True, slots=True)
class Platforms:
    """By name of a platform the facts that occur in its events. Rows do not say which platform an event came from, so
    that one that sends a part of what an indicator counts makes its rate wrong for all.
    """

    facts: Mapping[str, Collection[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, skill_set: SkillSet, artifact: Artifact) -> Self:
        """Those that the skills file declares; else those that the artifact was trained on."""
        return cls(skill_set.platforms or artifact.card.platforms)

    def tell(self, indicator: Indicator) -> bool:
        """Whether what it counts occurs: every platform that states any of its denominator states all of its facts, and
        there is one. Of a rate that is settled by the same events as it is over, nothing need be known.
        """
        if is_settled(indicator):
            return True
        of_denominator, all_of_it = _facts(indicator.denominator), facts_counted(indicator)
        sending = [set(facts) for facts in self.facts.values() if not of_denominator.isdisjoint(facts)]
        return bool(sending) and all(all_of_it <= facts for facts in sending)


def speaking(skill_set: SkillSet, artifact: Artifact) -> dict[str, tuple[Indicator, ...]]:
    """By skill the indicators that may add to its score: of what platforms tell; and of a skill with a model, whose
    fusion was fitted to some indicators, none that could not speak in training, each as it was fitted, if it was.
    """
    platforms, cards = Platforms.of(skill_set, artifact), artifact.card.skills
    return {
        name: tuple(_speaking(skill.indicators, cards.get(name), platforms)) for name, skill in skill_set.skills.items()
    }


def _speaking(indicators: Sequence[Indicator], card: SkillCard | None, platforms: Platforms) -> Iterator[Indicator]:
    """One that was not fitted is silent beside those that were."""
    fitted = {} if card is None else card.indicators
    for each in indicators:
        if not _may_speak(each, card, platforms):
            continue
        if not fitted:
            yield each
        elif each.name in fitted and fitted[each.name].is_of(each):
            yield fitted[each.name].applied(each)


def _may_speak(indicator: Indicator, card: SkillCard | None, platforms: Platforms) -> bool:
    if card is None or not card.features:
        return platforms.tell(indicator)
    if card.trained_on is None:  # of a former trainer: a fact that a feature was learnt from did occur
        read = {fact.key for fact in facts_read(card.features)}
        return facts_counted(indicator) <= read or platforms.tell(indicator)
    occurred = facts_counted(indicator).issubset(card.trained_on.facts)
    return occurred and (not platforms.facts or platforms.tell(indicator))


def is_settled(indicator: Indicator) -> bool:
    """Whether each event of its denominator also says whether, or how much, it is of the numerator."""
    settled_by = {SETTLED_BY.get(INDEX[fact], INDEX[fact]) for fact in _facts(indicator.numerator)}
    return settled_by == {INDEX[fact] for fact in _facts(indicator.denominator)}


def facts_counted(indicator: Indicator) -> set[str]:
    """The facts that an indicator counts."""
    return _facts(indicator.numerator) | _facts(indicator.denominator)


def _facts(terms: Collection[str]) -> set[str]:
    return {term.partition(".")[0] for term in terms}
