"""From a checked draft to the message: aliases become ids again, scores come from the update."""

from collections.abc import Mapping, Sequence
from typing import Literal

from msgspec import UNSET

from schemas.explanation import EXPLANATION_VERSION, CallUsage, Claim, Explanation, SkillExplanation
from schemas.update import SkillProfile, SkillUpdate
from streams.reasoning.model.reasoning_model import Draft, DraftClaim
from streams.reasoning.model.template import summary_of
from streams.reasoning.request.prompt import Question


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
) -> Explanation:
    """The explanation of `update`: all its skills, those without facts with no claims.

    The score is never the model's. `reason` says why a template speaks, `usage` what was asked before.
    """
    claims = {drafted.skill: drafted.claims for drafted in draft.skills}
    return Explanation(
        version=EXPLANATION_VERSION,
        student_id=update.student_id,
        seq=update.seq,
        as_of=update.as_of,
        generated_at=generated_at,
        generator=generator,
        model=model,
        reason=reason,
        summary=summary_of(update, question.request),
        skills=[
            SkillExplanation(
                skill=name,
                kind=skill.kind,
                score=UNSET if isinstance(skill, SkillProfile) else skill.score,
                confidence=UNSET if isinstance(skill, SkillProfile) else skill.confidence,
                validated=skill.validated,
                claims=_claims(claims.get(name, ()), question.evidence_ids),
            )
            for name, skill in update.skills.items()
        ],
        usage=usage,
    )


def _claims(drafted: Sequence[DraftClaim], evidence_ids: Mapping[str, str]) -> list[Claim]:
    return [
        Claim(
            text=claim.text.strip(),
            evidence=list(dict.fromkeys(evidence_ids[alias] for alias in claim.evidence)),
        )
        for claim in drafted
    ]
