"""What led to an explanation, for JSON and for the page: what was asked, what was answered, what the check said."""

from collections.abc import Sequence
from typing import Any

from agents.config.settings import Settings
from agents.config.spending import prices_of
from agents.operations.explanation import Exchange
from agents.reasoning.setup import now_us
from schemas.explanation import Explanation
from schemas.update import SkillUpdate
from streams.reasoning.assembly import assemble
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.model import template
from streams.reasoning.model.reasoning_model import DraftClaim
from streams.reasoning.request.prompt import AskedSkill, Prompt, render
from streams.reasoning.request.sent import PROMPT_VERSION, most_input_tokens
from streams.reasoning.request.slots import filled, slots_in
from streams.scoring.updates import rfc3339
from streams.skills.skill_set import SkillSet
from streams.spending.prices import NANO_USD

CHARS_A_TOKEN = 4
"""Of English, about."""


def asked_of(settings: Settings, skill_set: SkillSet, update: SkillUpdate) -> dict[str, Any]:
    """The facts, the prompt, and what a call may use and cost at most."""
    question = Prompt(skill_set, skill_set.language_of(settings.language)).question(update)
    messages = render(question.request)
    model = settings.openai_models[0]
    input_tokens, reply_tokens = most_input_tokens(question.request), settings.openai_max_reply_tokens
    price = prices_of(settings).of(model)
    return {
        "student": update.student_id,
        "seq": list(update.seq),
        "as_of": update.as_of,
        "skills": [_facts(skill) for skill in question.skills],
        "prompt": {
            "version": PROMPT_VERSION,
            "messages": messages,
            "about_tokens": sum(len(each["content"]) for each in messages) // CHARS_A_TOKEN,
            "most_tokens": input_tokens + reply_tokens,
            "model": model,
            "most_usd": None if price is None else price.most_nano_usd(input_tokens, reply_tokens) / NANO_USD,
        },
    }


def templated(settings: Settings, skill_set: SkillSet, update: SkillUpdate) -> Explanation:
    """What the template says of all skills."""
    question = Prompt(skill_set, skill_set.language_of(settings.language)).question(update)
    draft = template.draft_of(question.skills, question.language)
    return assemble(update, question, draft, "template", template.TEMPLATE_VERSION, rfc3339(now_us()))


def exchanges_of(exchanges: Sequence[Exchange]) -> list[dict[str, Any]]:
    """Each answer with its claims, and what is wrong with each."""
    return [_answered(each) for each in exchanges]


def _facts(skill: AskedSkill) -> dict[str, Any]:
    return {
        "skill": skill.skill,
        "kind": skill.kind,
        "score": skill.score,
        "facts": [
            {
                "id": fact.id,
                "text": fact.in_full,
                "when": fact.values.get(f"{fact.id}.when"),
                "direction": fact.direction,
            }
            for fact in skill.facts
        ],
    }


def _answered(exchange: Exchange) -> dict[str, Any]:
    request, reply = exchange.request, exchange.reply
    asked_again = list(request.rejected)
    if reply is None:
        return {
            "asked_again_because": asked_again,
            "model": None,
            "failure": exchange.failure,
            "claims": [],
            "faults": [],
        }
    checked = check_claims(request, reply.draft)
    asked = {skill.skill: skill for skill in request.skills}
    claims = [
        {
            "skill": drafted.skill,
            "direction": claim.direction,
            "evidence": claim.evidence,
            "text": _readable(asked.get(drafted.skill), claim),
            "holds": any(claim in held.claims for held in checked.draft.skills if held.skill == drafted.skill),
            "faults": _faults_of(checked.faults, f"{drafted.skill}, claim {number}: "),
        }
        for drafted in reply.draft.skills
        for number, claim in enumerate(drafted.claims, 1)
    ]
    return {
        "asked_again_because": asked_again,
        "model": reply.model,
        "failure": None,
        "claims": claims,
        "faults": list(checked.faults),
    }


def _faults_of(faults: Sequence[str], prefix: str) -> list[str]:
    return [fault.removeprefix(prefix) for fault in faults if fault.startswith(prefix)]


def _readable(skill: AskedSkill | None, claim: DraftClaim) -> str:
    """With its numbers where all slots are known."""
    values = {} if skill is None else skill.values_of(skill.facts)
    return filled(claim.text, values) if values.keys() >= set(slots_in(claim.text)) else claim.text
