"""One thing to try: of a skill's suggestions the first that answers what its claims cite."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from msgspec import UNSET

from schemas.update import KnownSkill, SkillProfile, evidence_id
from streams.reasoning.request.leaning import leaning, standing
from streams.skills.skill_set import Skill
from streams.skills.suggestions import SCORE, Suggestion
from streams.vocabulary import PHRASE_PREFIX


@dataclass(frozen=True, slots=True)
class Suggesting:
    """What the skills file says of one skill, and what an update does."""

    configured: Skill
    name: str
    known: KnownSkill

    def suggestion(self, cited: Collection[str], used: Collection[str] = ()) -> str | None:
        """The text that fits, none of `used`; `cited` are the ids of evidence items, and `<skill>.<indicator>`.

        None where the skill has no suggestion that fits, or nothing is known of it.
        """
        if isinstance(self.configured.suggestions, tuple) and self._is_known:
            cited_as = set(self._answerable(cited))
            for suggestion in self.configured.suggestions:
                if suggestion.text not in used and (
                    suggestion.is_general or not cited_as.isdisjoint(_answers(suggestion))
                ):
                    return suggestion.text
        return None

    @property
    def _is_known(self) -> bool:
        return isinstance(self.known, SkillProfile) or self.known.level != "unknown"

    def _answerable(self, cited: Collection[str]) -> Iterator[tuple[str, str]]:
        """What is cited, as suggestions name it: ("low", "answers_others"), ("seen", "late")."""
        meanings = self.configured.meaning_of
        for number, item in enumerate(self.known.evidence, 1):
            if evidence_id(self.name, number) in cited:
                fact = item.fact
                if fact.startswith(PHRASE_PREFIX):
                    fact = meanings.get(fact.removeprefix(PHRASE_PREFIX), fact)
                yield "seen", fact
                yield "low" if leaning(self.configured, item) < 0 else "high", fact
        if isinstance(self.known, SkillProfile):
            indicators = {indicator.name: indicator for indicator in self.configured.indicators}
            for name, rate in self.known.indicators.items():
                ids = {f"{self.name}.{name}", f"{self.name}.{name}.since"}
                if not ids.isdisjoint(cited) and name in indicators:
                    yield standing(indicators[name], rate.count, rate.of) or "", name
        elif self.known.out_of_range is UNSET:
            yield "high" if self.known.level == "proficient" else "low", SCORE


def _answers(suggestion: Suggestion) -> Iterator[tuple[str, str]]:
    for key in ("low", "high", "seen"):
        if (name := getattr(suggestion, key)) is not None:
            yield key, name
