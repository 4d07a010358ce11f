"""A student's last explanation, as it was published: each claim with the facts that it rests on."""

from html import escape

from msgspec import UNSET

from agents.dashboard.markup import nothing
from agents.dashboard.titles import title_of
from schemas.explanation import CitedFact, Explanation, SkillExplanation
from schemas.student_answer import StudentAnswer

_WRITERS = {"template": "a template", "scripted": "a script, in place of a model"}


def explanation(found: Explanation | None, answer: StudentAnswer) -> str:
    """The summary, the skills, and who wrote it when."""
    if found is None:
        return nothing("Nothing was explained yet: explanations go to the students who need one most.")
    writer = _WRITERS.get(found.generator, found.model)
    stale = "" if found.seq == answer.seq else " The student has done more since."
    skills = "".join(_skill(each, at) for at, each in enumerate(found.skills))
    language = f' lang="{found.language}"' if found.language is not UNSET else ' lang="en"'
    return (
        f"<div{language}><p>{escape(found.summary)}</p>{skills}</div>"
        f'<p class="about">Written by {escape(writer)} on {escape(found.generated_at[:10])}, '
        f"of what was known on {escape(found.as_of[:10])}.{stale}</p>"
    )


def _skill(each: SkillExplanation, number: int) -> str:
    numbers = {fact.id: at for at, fact in enumerate(each.facts, start=1)}
    claims = "".join(f"<li>{escape(claim.text)}{_cited(claim.evidence, numbers, number)}</li>" for claim in each.claims)
    facts = "".join(_fact(fact, number, at) for at, fact in enumerate(each.facts, start=1))
    more = "".join(
        f"<p><b>{name}</b> {escape(text)}</p>"
        for name, text in (
            ("Both ways:", each.conflict),
            ("How sure:", each.certainty),
            ("To try:", each.suggestion),
        )
        if text is not UNSET
    )
    cited = f'<ol class="cited" aria-label="Facts">{facts}</ol>' if facts else ""
    return f'<h3>{escape(title_of(each.skill))}</h3><ul class="said">{claims}</ul>{more}{cited}'


def _cited(evidence: list[str], numbers: dict[str, int], skill: int) -> str:
    cited = [numbers[each] for each in evidence if each in numbers]
    links = "".join(f' <a href="#fact-{skill}-{at}" aria-label="fact {at}">[{at}]</a>' for at in cited)
    return f'<span class="soft">{links}</span>' if links else ""


def _fact(fact: CitedFact, skill: int, number: int) -> str:
    time = f' <time class="soft">{escape(fact.time[:10])}</time>' if fact.time is not UNSET else ""
    task = f" ({escape(fact.task)})" if fact.task is not UNSET else ""
    return f'<li id="fact-{skill}-{number}">{escape(fact.text)}{task}{time}</li>'
