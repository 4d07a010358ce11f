"""A claim as the check reads it: with the facts that it cites, and without what it does not say itself."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from streams.reasoning.model.reasoning_model import DraftClaim
from streams.reasoning.request.prompt import AskedFact, AskedSkill
from streams.reasoning.request.slots import filled, without_slots


@dataclass(frozen=True, slots=True)
class ReadClaim:
    """A claim with the facts that it cites: its `own` words, without slots, and the `whole`, with their values."""

    skill: AskedSkill
    claim: DraftClaim
    cited: Sequence[AskedFact]
    values: Mapping[str, str]
    own: str
    whole: str
    fact_words: Sequence[str]

    @classmethod
    def of(cls, skill: AskedSkill, claim: DraftClaim, cited: Sequence[AskedFact], values: Mapping[str, str]) -> Self:
        """Raises KeyError for a slot without a value."""
        own, whole = _unnamed(without_slots(claim.text), skill.skill), filled(claim.text, values)
        return cls(skill, claim, cited, values, own, whole, [without_slots(fact.text) for fact in cited])

    @property
    def nameless(self) -> str:
        """Its own words with "the skill" for a name of several words: "problem solving" says nothing was solved."""
        words = self.skill.skill.split("_")
        if len(words) < 2:
            return self.own
        name = "[ -]".join(map(re.escape, words))
        return re.sub(rf"\b(?:the )?{name}\b", "the skill", self.own, flags=re.IGNORECASE)

    @property
    def configured(self) -> Sequence[str]:
        """The skills file's own words for what the cited facts tell, with their numbers."""
        return [fact.in_full for fact in self.cited if fact.is_configured]


def _unnamed(text: str, skill: str) -> str:
    """`text` where what speaks for or against the skill by its name, "problem solving", speaks so of "the skill"."""
    name = re.escape(skill.replace("_", " "))
    return re.sub(rf"\b(for|against) {name}\b", r"\1 the skill", text, flags=re.IGNORECASE)
