"""The check of what a model wrote: each claim by itself, so that one fault costs one claim.

A claim stays if it cites facts of its skill that all point its way, takes its numbers from their slots, and says
nothing that they do not. What is wrong with the others is said to the model where it has to be asked again.

What cannot be checked by rule (whether a sentence is a fair summary of its facts) is small: claims are short, are
made of few words, and say their direction in a field of their own.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from schemas.update import LEVELS
from streams.reasoning.check.characters import unwanted_characters
from streams.reasoning.check.entailment import said_directions, unentailed
from streams.reasoning.check.forbidden import forbidden_in
from streams.reasoning.check.language import is_foreign
from streams.reasoning.check.nouns import strangers_in
from streams.reasoning.check.numbers import number_in
from streams.reasoning.check.people import name_in
from streams.reasoning.check.readability import reads_hard
from streams.reasoning.check.repetition import ALIKE, likeness, repeats_itself
from streams.reasoning.check.wording import needless_word_in
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.instructions import MAX_CLAIM_CHARS, MAX_CLAIMS
from streams.reasoning.request.prompt import AskedFact, AskedSkill, Request
from streams.reasoning.request.slots import filled, misplaced_slot, misused_slot, slots_in, without_slots

MAX_GRADE: Final = 9.0
MAX_FAULTS: Final = 12
_LEVEL: Final = re.compile(r"\b(?:" + "|".join(LEVELS[1:]) + r")\b", re.IGNORECASE)
_ALIAS: Final = re.compile(r"\be\d+\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """How long and how hard a claim may be, and how many a skill may have."""

    claim_chars: int = MAX_CLAIM_CHARS
    claims: int = MAX_CLAIMS
    grade: float = MAX_GRADE


@dataclass(frozen=True, slots=True)
class CheckedDraft:
    """What is left of a draft, the claims' slots not filled yet; and what is wrong with the rest, MAX_FAULTS at most.

    `faults` are in words that can be sent to the model, and quote at most a few words of the draft. `unanswered` are
    the skills without a claim.
    """

    draft: Draft
    faults: tuple[str, ...]
    refused: int
    unanswered: tuple[str, ...]


def check_claims(request: Request, draft: Draft, limits: ClaimLimits | None = None) -> CheckedDraft:
    """The claims of `draft` that hold as answers to `request`."""
    limits = limits or ClaimLimits()
    asked = {skill.skill: skill for skill in request.wanted}
    known = {skill.skill for skill in request.skills}
    held: dict[str, list[DraftClaim]] = {}
    faults: dict[str, None] = {}
    refused = 0
    for drafted in draft.skills:
        if drafted.skill in known and drafted.skill not in asked:
            continue  # the first answer had it
        skill = asked.get(drafted.skill)
        if skill is None or drafted.skill in held:
            faults["a skill was not asked about, or is answered twice"] = None
            refused += len(drafted.claims)
            continue
        held[skill.skill] = []
        for number, claim in enumerate(drafted.claims, 1):
            wrong = list(_faults(skill, claim, held[skill.skill], limits))
            if len(held[skill.skill]) == limits.claims:
                wrong = [f"is one too many; {limits.claims} are allowed"]
            if wrong:
                refused += 1
                faults |= dict.fromkeys(f"{skill.skill}, claim {number}: {fault}" for fault in wrong)
            else:
                held[skill.skill].append(claim)
    unanswered = tuple(name for name in asked if not held.get(name))
    faults |= dict.fromkeys(f"{name}: no claim is left; each skill needs one" for name in unanswered)
    answered = [DraftSkill(skill=name, claims=claims) for name, claims in held.items() if claims]
    return CheckedDraft(Draft(skills=answered), tuple(faults)[:MAX_FAULTS], refused, unanswered)


def _faults(skill: AskedSkill, claim: DraftClaim, others: Sequence[DraftClaim], limits: ClaimLimits) -> Iterator[str]:
    facts = {fact.id: fact for fact in skill.facts}
    cited = [facts[alias] for alias in dict.fromkeys(claim.evidence) if alias in facts]
    yield from _citing_faults(claim, cited)
    values = _values(skill, cited)
    if len(claim.text) > limits.claim_chars:
        yield f"has {len(claim.text)} characters; {limits.claim_chars} are allowed"
        return  # what is too long is not looked through
    slot = next((slot for slot in slots_in(claim.text) if slot not in values), None)
    if slot is not None:
        yield f"has a slot that its facts do not have ({slot[:20]})"
        return
    whole = filled(claim.text, values)
    yield from _text_faults(skill, claim, cited, whole, limits)
    if any(_says_the_same(skill, claim, other) for other in others):
        yield "says what another claim says"


def _says_the_same(skill: AskedSkill, claim: DraftClaim, other: DraftClaim) -> bool:
    """Whether a claim has the words of another one, or nearly these about no other fact."""
    values = _values(skill, skill.facts)
    found = likeness(filled(claim.text, values), filled(other.text, values))
    return claim.direction == other.direction and (
        found == 1 or (found >= ALIKE and set(claim.evidence) <= set(other.evidence))
    )


def _values(skill: AskedSkill, facts: Sequence[AskedFact]) -> dict[str, str]:
    """What fills the slots of the skill and of these facts."""
    return skill.numbers | {slot: value for fact in facts for slot, value in fact.values.items()}


def _citing_faults(claim: DraftClaim, cited: Sequence[AskedFact]) -> Iterator[str]:
    if not claim.evidence:
        yield "cites no fact"
    if len(cited) < len(set(claim.evidence)):
        yield "cites a fact that this skill does not have"
    if any(fact.direction != claim.direction for fact in cited):
        yield f"says {claim.direction}, but a fact that it cites says otherwise"


def _text_faults(
    skill: AskedSkill, claim: DraftClaim, cited: Sequence[AskedFact], whole: str, limits: ClaimLimits
) -> Iterator[str]:
    own = without_slots(claim.text)
    if not whole.strip():
        yield "is empty"
    if len(whole) > limits.claim_chars:
        yield f"has {len(whole)} characters with its numbers; {limits.claim_chars} are allowed"
    if (unwanted := unwanted_characters(own)) is not None:
        yield unwanted
    if _ALIAS.search(own):
        yield "writes a fact's id in the text"
    elif (number := number_in(own)) is not None:
        yield f"writes a number ({number}); numbers stand in slots"
    if (slot := _counted_slot(claim.text, cited)) is not None:
        yield f"uses {{{slot}}} as the number of something else"
    elif (slot := misplaced_slot(claim.text, _values(skill, cited))) is not None:
        yield f"has {{{slot}}} where what fills it does not fit"
    if is_foreign(own):
        yield "is not in English"
    if (name := name_in(own)) is not None:
        yield f"has what looks like a name ({name})"
    given = {word for fact in cited for word in without_slots(fact.text).split()}
    if reads_hard(whole, limits.grade, given):
        yield f"reads above grade {limits.grade:.0f}; use shorter words, sentences"
    if repeats_itself(claim.text, whole, [without_slots(fact.text) for fact in cited]):
        yield "repeats itself"
    worded = " ".join(without_slots(fact.text) for fact in cited if fact.is_configured)
    yield from _meaning_faults(skill, claim, cited, own, worded)


def _meaning_faults(
    skill: AskedSkill, claim: DraftClaim, cited: Sequence[AskedFact], own: str, worded: str
) -> Iterator[str]:
    if any(said != claim.direction for said in said_directions(own)):
        yield f"says {claim.direction} in its field and otherwise in its text"
    if (level := _LEVEL.search(own)) and level.group().lower() != skill.level:
        of = "has no level" if skill.level is None else "has another level"
        yield f"says {level.group().lower()}, but this skill {of}"
    yield from forbidden_in(own, len(cited), worded)
    yield from strangers_in(own, worded)
    words = [skill.skill.replace("_", " "), *(without_slots(fact.text) for fact in cited)]
    if (word := needless_word_in(own, " ".join(words))) is not None:
        yield f"has a word that no claim needs ({word.lower()})"
    yield from unentailed(own, [key for fact in cited for key in fact.about], worded)


def _counted_slot(text: str, cited: Sequence[AskedFact]) -> str | None:
    """A slot that counts something; an indicator's own number does: "3 of 4 tasks"."""
    indicators = {fact.id for fact in cited if fact.is_indicator}
    slot = misused_slot(text)
    return None if slot is None or slot.partition(".")[0] in indicators else slot
