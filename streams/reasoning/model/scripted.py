"""A model that needs no provider: for the demo, the laptop and tests. Chosen explicitly, and marked in what it writes.

It reads the request as a provider's model would and answers in the same form: one claim for what speaks for a skill and
one for what speaks against it, or one for what was seen of a profile. The same request always gets the same answer.
"""

from streams.reasoning.model.defaults import SCRIPTED_MODEL
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill, ModelKind, Reply
from streams.reasoning.request.instructions import MAX_CLAIM_CHARS
from streams.reasoning.request.prompt import AskedFact, AskedSkill, Direction, Request, worth_sending
from streams.reasoning.request.slots import filled
from streams.reasoning.statements.clauses import alike, sentence
from streams.spending.usage import NO_TOKENS

_VERDICTS: dict[Direction, tuple[str, ...]] = {
    "up": ("This speaks for {}.",),
    "down": ("This speaks against {}.",),
    "neither": (),
}


class ScriptedModel:
    """Implements ReasoningModel. Sends nothing anywhere, uses no tokens."""

    generator: ModelKind = "scripted"
    name = SCRIPTED_MODEL

    async def prepare(self) -> None:
        """Always ready."""

    async def explain(self, request: Request) -> Reply:
        """Explain from the facts, heaviest first, as many as fit."""
        skills = [DraftSkill(skill=skill.skill, claims=_claims(skill)) for skill in request.wanted]
        return Reply(Draft(skills=skills), self.name, NO_TOKENS)

    async def aclose(self) -> None:
        """Nothing to let go of."""


def _claims(skill: AskedSkill) -> list[DraftClaim]:
    return [
        _claim(skill, direction, facts)
        for direction in _VERDICTS
        if (facts := [fact for fact in worth_sending(skill.facts) if fact.direction == direction])
    ]


def _claim(skill: AskedSkill, direction: Direction, facts: list[AskedFact]) -> DraftClaim:
    stated, values = list(facts), skill.values_of(facts)
    text = _text(skill, direction, stated)
    while len(filled(text, values)) > MAX_CLAIM_CHARS and len(stated) > 1:
        stated.pop()
        text = _text(skill, direction, stated)
    return DraftClaim(text=text, evidence=[fact.id for fact in stated], direction=direction)


def _text(skill: AskedSkill, direction: Direction, facts: list[AskedFact]) -> str:
    verdicts = (verdict.format(skill.skill.replace("_", " ")) for verdict in _VERDICTS[direction])
    return " ".join([*map(sentence, alike(facts)), *verdicts])
