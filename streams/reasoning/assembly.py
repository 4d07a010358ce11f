"""From a checked draft to the message: slots are filled, aliases become ids again, scores come from the update."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Literal

from msgspec import UNSET, UnsetType

from schemas.explanation import EXPLANATION_VERSION, CallUsage, CitedFact, Claim, Explanation, SkillExplanation
from schemas.update import KnownSkill, SkillProfile, SkillUpdate, evidence_id
from streams.languages.language import capitalised
from streams.reasoning.model.reasoning_model import Draft, DraftClaim
from streams.reasoning.request.prompt import AskedSkill, Question
from streams.reasoning.request.slots import filled
from streams.reasoning.request.tasks import TASK_SLOT
from streams.reasoning.statements.certainty import certainty_of
from streams.reasoning.statements.conflict import conflict_of
from streams.reasoning.statements.summary import summary_of


def assemble(
    update: SkillUpdate,
    question: Question,
    draft: Draft,
    generator: Literal["model", "template", "scripted"],
    model: str,
    generated_at: str,
    *,
    reason: str | None = None,
    usage: CallUsage | None = None,
    reused: bool = False,
    templated: Collection[str] = (),
) -> Explanation:
    """The explanation of `update`: all its skills, those without facts with no claims.

    The score is never the model's. `reason` says why a template speaks, `usage` what was asked before, `reused` that
    the answer was kept; `templated` are the skills of which a template speaks though the explanation is a model's.
    """
    claims = {drafted.skill: drafted.claims for drafted in draft.skills}
    suggestions = _suggestions(question, claims)
    asked = {skill.skill: skill for skill in question.skills}
    return Explanation(
        version=EXPLANATION_VERSION,
        student_id=update.student_id,
        seq=update.seq,
        as_of=update.as_of,
        generated_at=generated_at,
        generator=generator,
        model=model,
        reason=reason,
        language=UNSET if question.language.code == "en" else question.language.code,
        summary=summary_of(update, question),
        skills=[
            SkillExplanation(
                skill=name,
                kind=skill.kind,
                score=UNSET if isinstance(skill, SkillProfile) else skill.score,
                confidence=UNSET if isinstance(skill, SkillProfile) else skill.confidence,
                validated=skill.validated,
                claims=[_claim(asked[name], claim, question) for claim in claims.get(name, ())],
                facts=list(_cited(asked[name], update, claims[name], question)) if name in claims else [],
                generator="template" if name in templated else UNSET,
                conflict=_conflict(name, skill, asked.get(name), question),
                certainty=_certainty(name, skill, question),
                suggestion=suggestions.get(name, UNSET),
            )
            for name, skill in update.skills.items()
        ],
        usage=usage,
        reused=reused or UNSET,
    )


def _conflict(name: str, skill: KnownSkill, asked: AskedSkill | None, question: Question) -> str | UnsetType:
    text = conflict_of(name, skill, () if asked is None else asked.facts, question.language)
    return UNSET if text is None else capitalised(text)


def _certainty(name: str, skill: KnownSkill, question: Question) -> str | UnsetType:
    if name not in question.suggesting:
        return UNSET
    text = certainty_of(name, question.suggesting[name].configured, skill, question.language)
    return UNSET if text is None else capitalised(text)


def _suggestions(question: Question, claims: Mapping[str, Sequence[DraftClaim]]) -> dict[str, str]:
    """One thing to try by skill, of those that moved, none twice."""
    chosen: dict[str, str] = {}  # in the skills file's own words, as they are looked up
    for name, suggesting in question.suggesting.items():
        if question.is_moved(name):
            cited = {question.evidence_ids[alias] for claim in claims.get(name, ()) for alias in claim.evidence}
            text = suggesting.suggestion(cited, chosen.values())
            if text is not None:
                chosen[name] = text
    return {name: question.language.words(text) for name, text in chosen.items()}


def _claim(skill: AskedSkill, claim: DraftClaim, question: Question) -> Claim:
    ids = dict.fromkeys(question.evidence_ids[alias] for alias in claim.evidence)
    text = filled(claim.text.strip(), question.tasks.named(skill.values_of(skill.facts), question.language))
    return Claim(text=f"{text[:1].upper()}{text[1:]}", evidence=list(ids))


def _cited(
    asked: AskedSkill, update: SkillUpdate, claims: Sequence[DraftClaim], question: Question
) -> Iterator[CitedFact]:
    """The facts that claims of a skill cite, in the order of the request."""
    cited = {alias for claim in claims for alias in claim.evidence}
    items = enumerate(update.skills[asked.skill].evidence, 1)
    times = {evidence_id(asked.skill, number): update.time_of(item) for number, item in items}
    for fact in asked.facts:
        if fact.id in cited:
            id_ = question.evidence_ids[fact.id]
            task = question.tasks.names.get(fact.values.get(f"{fact.id}{TASK_SLOT}", ""), UNSET)
            yield CitedFact(id=id_, text=fact.in_full, time=times.get(id_, UNSET), task=task)
