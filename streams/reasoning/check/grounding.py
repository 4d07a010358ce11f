"""The check of what a model wrote: every claim rests on facts that it was given, and says what they say.

What cannot be checked by rule (whether a sentence is a fair summary of its facts) is kept small: claims are short,
cite, and say their direction in a field of their own, which has to agree with the facts and with the sentence. Of a
profile nothing speaks for or against a skill, and no claim may say that it does, or name a level.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from schemas.update import LEVELS
from streams.reasoning.check.numbers import is_quoted, written_in
from streams.reasoning.check.readability import grade
from streams.reasoning.model.reasoning_model import Draft, DraftClaim
from streams.reasoning.request.instructions import MAX_CLAIM_CHARS, MAX_CLAIMS
from streams.reasoning.request.prompt import AskedFact, AskedSkill, Direction, Request
from streams.reasoning.request.wording import Quantity

MAX_GRADE: Final = 9.0
MAX_VIOLATIONS: Final = 12
_DIAGNOSIS: Final = re.compile(
    r"\b(?:adhd|asd|ocd|ptsd|iq|autis\w*|asperger\w*|dyslex\w*|dyscalcul\w*|dysprax\w*|depress(?:ion|ive|ed)\w*|"
    r"anxiety|bipolar|schizo\w*|psycho(?:sis|tic|path\w*)|narciss\w*|neurodiver\w*|neurotic\w*|disorder\w*|"
    r"syndrome\w*|diagnos\w*|disab(?:led|ilit\w*)|impairment\w*|retard(?:ed|ation)|patholog\w*|symptom\w*|"
    r"clinical\w*|mental(?:ly)? (?:ill\w*|health)|therap(?:y|ist|ies)|medicat\w*|"
    r"lazy|laziness|stupid\w*|dumb|unintelligent|gifted)\b",
    re.IGNORECASE,
)
_UP: Final = r"speaks? for|raises|raised|supports|strengthen(?:s|ed)|lift(?:s|ed)"
_DOWN: Final = r"speaks? against|lowers|lowered|weaken(?:s|ed)|(?:pull|drag)(?:s|ed)? down"
_OBJECT: Final = r"(?=\s+(?:the|this|that|its|their)\s)"  # tells the verb "support" from the noun
_VERDICT: Final = re.compile(
    r"(?P<negated>(?:\b(?:not|never|hardly)|n['’]t)\s+(?:\w+ly\s+)?)?\b"
    rf"(?:(?P<up>{_UP}|(?:raise|support|strengthen|lift){_OBJECT})|(?P<down>{_DOWN}|(?:lower|weaken){_OBJECT}))\b",
    re.IGNORECASE,
)
_LEVEL: Final = re.compile(r"\b(?:" + "|".join(LEVELS[1:]) + r")\b", re.IGNORECASE)
_ALIAS: Final = re.compile(r"\be\d+\b", re.IGNORECASE)
_MARKUP: Final = re.compile(r"[<>{}|`*_#\[\]\x00-\x1f\x7f]|https?:")


@dataclass(frozen=True, slots=True)
class ClaimLimits:
    """How long and how hard a skill's claims may be."""

    claim_chars: int = MAX_CLAIM_CHARS
    claims: int = MAX_CLAIMS
    grade: float = MAX_GRADE


def violations(request: Request, draft: Draft, limits: ClaimLimits | None = None) -> tuple[str, ...]:
    """What is wrong with `draft` as an answer to `request`, in words that can be sent to the model; empty if nothing.

    At most MAX_VIOLATIONS are given. A fault quotes at most a number or a word of the draft.
    """
    found: dict[str, None] = {}
    for fault in _faults(request, draft, limits or ClaimLimits()):
        found[fault] = None
        if len(found) == MAX_VIOLATIONS:
            break
    return tuple(found)


def _faults(request: Request, draft: Draft, limits: ClaimLimits) -> Iterator[str]:
    asked = {skill.skill: skill for skill in request.skills}
    answered = [drafted.skill for drafted in draft.skills]
    for name in asked.keys() - answered:
        yield f"{name}: no claim; each skill needs one"
    if len(set(answered)) < len(answered):
        yield "a skill is answered more than once"
    for drafted in draft.skills:
        skill = asked.get(drafted.skill)
        if skill is None:
            yield "there is an answer for a skill that was not asked about"
            continue
        if not 1 <= len(drafted.claims) <= limits.claims:
            yield f"{skill.skill}: {len(drafted.claims)} claims; 1 to {limits.claims} are allowed"
        claims = drafted.claims[: limits.claims]
        for number, claim in enumerate(claims, 1):
            where = f"{skill.skill}, claim {number}"
            yield from (f"{where}: {fault}" for fault in _claim_faults(request, skill, claim, limits))
        reading = grade(" ".join(_sentence(claim.text[: limits.claim_chars]) for claim in claims))
        if reading > limits.grade:
            yield f"{skill.skill}: reads at grade {reading:.0f}, above {limits.grade:.0f}; use shorter words, sentences"


def _claim_faults(request: Request, skill: AskedSkill, claim: DraftClaim, limits: ClaimLimits) -> Iterator[str]:
    facts = {fact.id: fact for fact in skill.facts}
    cited = [facts[alias] for alias in claim.evidence if alias in facts]
    if not claim.evidence:
        yield "cites no fact"
    if len(cited) < len(claim.evidence):
        yield "cites a fact that this skill does not have"
    if any(fact.direction != claim.direction for fact in cited):
        yield f"says {claim.direction}, but a fact that it cites says otherwise"
    if len(claim.text) > limits.claim_chars:
        yield f"has {len(claim.text)} characters; {limits.claim_chars} are allowed"
        return  # what is too long is not looked through
    yield from _text_faults(claim)
    if skill.kind == "profile" and (level := _LEVEL.search(claim.text)):
        yield f"says {level.group().lower()}, but this skill has no level"
    if request.student in claim.text:
        yield "names the student"
    quotable = list(_quotable(skill, cited))
    for number in written_in(claim.text):
        if not is_quoted(number, quotable):
            yield f"the number {number.text.strip()} is not in the facts that it cites"


def _text_faults(claim: DraftClaim) -> Iterator[str]:
    text = claim.text
    if not text.strip():
        yield "is empty"
    if any(said != claim.direction for said in _verdicts(text)):
        yield f"says {claim.direction} in its field and the opposite in its text"
    if diagnosis := _DIAGNOSIS.search(text):
        yield f"diagnoses or labels ({diagnosis.group().lower()})"
    if _ALIAS.search(text):
        yield "writes a fact's id in the text"
    if _MARKUP.search(text):
        yield "has markup or a link"


def _quotable(skill: AskedSkill, cited: Iterable[AskedFact]) -> Iterator[Quantity]:
    for value in (skill.score, skill.confidence, skill.low, skill.high):
        if value is not None:
            yield Quantity(value, "fraction")
    for fact in cited:
        if fact.age_days is not None:
            yield Quantity(float(fact.age_days), "days")
        yield from fact.quantities


def _verdicts(text: str) -> Iterator[Direction]:
    """The directions that the text itself names: "raises the score", "does not support the skill"."""
    for match in _VERDICT.finditer(text):
        yield "up" if bool(match["up"]) != bool(match["negated"]) else "down"


def _sentence(text: str) -> str:
    return text if text.rstrip().endswith((".", "!", "?")) else f"{text}."
