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
from streams.reasoning.check.changes import change_faults, without_changes
from streams.reasoning.check.characters import unwanted_characters
from streams.reasoning.check.clauses import unfounded_clause_in
from streams.reasoning.check.entailment import said_directions, unentailed
from streams.reasoning.check.forbidden import forbidden_in
from streams.reasoning.check.language import is_foreign
from streams.reasoning.check.nouns import strangers_in
from streams.reasoning.check.numbers import number_in
from streams.reasoning.check.people import name_in
from streams.reasoning.check.read_claim import ReadClaim
from streams.reasoning.check.repetition import ALIKE, likeness, repeats_itself
from streams.reasoning.check.slot_use import slot_faults
from streams.reasoning.check.times import untimely
from streams.reasoning.check.wording import needless_word_in
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.request.instructions import MAX_CLAIM_CHARS, MAX_CLAIMS
from streams.reasoning.request.prompt import AskedFact, AskedSkill, Request
from streams.reasoning.request.slots import filled, slots_in
from streams.texts.readability import reads_hard

MAX_GRADE: Final = 9.0
MAX_FAULTS: Final = 12
_LEVEL: Final = re.compile(r"\b(?:" + "|".join(LEVELS[1:]) + r")\b", re.IGNORECASE)
_ALIAS: Final = re.compile(r"\be\d+\b", re.IGNORECASE)


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


def check_claims(request: Request, draft: Draft) -> CheckedDraft:
    """The claims of `draft` that hold as answers to `request`."""
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
            wrong = list(_faults(skill, claim, held[skill.skill]))
            if len(held[skill.skill]) == MAX_CLAIMS:
                wrong = [f"is one too many; {MAX_CLAIMS} are allowed"]
            if wrong:
                refused += 1
                faults |= dict.fromkeys(f"{skill.skill}, claim {number}: {fault}" for fault in wrong)
            else:
                held[skill.skill].append(claim)
    unanswered = tuple(name for name in asked if not held.get(name))
    faults |= dict.fromkeys(f"{name}: no claim is left; each skill needs one" for name in unanswered)
    answered = [DraftSkill(skill=name, claims=claims) for name, claims in held.items() if claims]
    return CheckedDraft(Draft(skills=answered), tuple(faults)[:MAX_FAULTS], refused, unanswered)


def _faults(skill: AskedSkill, claim: DraftClaim, others: Sequence[DraftClaim]) -> Iterator[str]:
    facts = {fact.id: fact for fact in skill.facts}
    cited = [facts[alias] for alias in dict.fromkeys(claim.evidence) if alias in facts]
    yield from _citing_faults(claim, cited)
    if len(claim.text) > MAX_CLAIM_CHARS:
        yield f"has {len(claim.text)} characters; {MAX_CLAIM_CHARS} are allowed"
        return  # what is too long is not looked through
    values = skill.values_of(cited)
    slot = next((slot for slot in slots_in(claim.text) if slot not in values), None)
    if slot is not None:
        yield f"has a slot that its facts do not have ({slot[:20]})"
        return
    read = ReadClaim.of(skill, claim, cited, values)
    yield from _form_faults(read)
    yield from _meaning_faults(read)
    if any(_says_the_same(read, other) for other in others):
        yield "says what another claim says"


def _citing_faults(claim: DraftClaim, cited: Sequence[AskedFact]) -> Iterator[str]:
    if not claim.evidence:
        yield "cites no fact"
    if len(cited) < len(set(claim.evidence)):
        yield "cites a fact that this skill does not have"
    if any(fact.direction != claim.direction for fact in cited):
        yield f"says {claim.direction}, but a fact that it cites says otherwise"


def _form_faults(read: ReadClaim) -> Iterator[str]:
    if not read.whole.strip():
        yield "is empty"
    if len(read.whole) > MAX_CLAIM_CHARS:
        yield f"has {len(read.whole)} characters with its numbers; {MAX_CLAIM_CHARS} are allowed"
    if (unwanted := unwanted_characters(read.own)) is not None:
        yield unwanted
    if _ALIAS.search(read.own):
        yield "writes a fact's id in the text"
    elif (number := number_in(read.own)) is not None:
        yield f"writes a number ({number}); numbers stand in slots"
    yield from slot_faults(read.claim.text, read.values, read.cited)
    if is_foreign(read.own):
        yield "is not in English"
    if (name := name_in(read.own)) is not None:
        yield f"has what looks like a name ({name})"
    if reads_hard(read.whole, MAX_GRADE, {word for words in read.fact_words for word in words.split()}):
        yield f"reads above grade {MAX_GRADE:.0f}; use shorter words, sentences"
    if repeats_itself(read.claim.text, read.whole, read.fact_words):
        yield "repeats itself"


def _meaning_faults(read: ReadClaim) -> Iterator[str]:
    skill, own, configured = read.skill, read.nameless, " ".join(read.configured)
    if any(said != read.claim.direction for said in said_directions(without_changes(own))):
        yield f"says {read.claim.direction} in its field and otherwise in its text"
    if (level := _LEVEL.search(own)) and level.group().lower() != skill.level:
        of = "has no level" if skill.level is None else "has another level"
        yield f"says {level.group().lower()}, but this skill {of}"
    yield from forbidden_in(own, _at_times(read), configured)
    yield from change_faults(own, slots_in(read.claim.text), read.cited, configured)
    yield from strangers_in(own, configured)
    if (
        word := needless_word_in(own, " ".join([skill.skill.replace("_", " "), configured, *read.fact_words]))
    ) is not None:
        yield f"has a word that no claim needs ({word.lower()})"
    yield from unentailed(own, [key for fact in read.cited for key in fact.about], read.configured)
    if (clause := unfounded_clause_in(read.claim.text, [fact.in_full for fact in read.cited])) is not None:
        yield f"says what no cited fact says ({clause[:40]})"
    yield from untimely(own, [when for slot, when in read.values.items() if slot.endswith(".when")])


def _at_times(read: ReadClaim) -> Iterator[str]:
    if len(read.cited) <= 1:
        yield from ("trends", "pairs")
    if read.skill.level is None:
        yield "verdicts"
    if not any(fact.is_indicator for fact in read.cited):
        yield "habits"


def _says_the_same(read: ReadClaim, other: DraftClaim) -> bool:
    """Whether a claim has the words of another one, or nearly these about no other fact."""
    if read.claim.direction != other.direction:
        return False
    found = likeness(read.whole, filled(other.text, read.skill.values_of(read.skill.facts)))
    return found == 1 or (found >= ALIKE and set(read.claim.evidence) <= set(other.evidence))
