"""Tasks have no names in a request, and theirs in what is published."""

import asyncio
import logging
import random
from typing import Any

import msgspec
import pytest

from schemas.explanation import Explanation
from schemas.update import SkillUpdate, read_update
from streams.languages.language import Language
from streams.languages.tables import LanguageCode
from streams.limits import MemoryLimiter, Registry, calls_per_minute
from streams.reasoning.assembly import assemble
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.counted import changes_of
from streams.reasoning.explainer import Explainer
from streams.reasoning.model import template
from streams.reasoning.model.reasoning_model import Reply
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.settings import LIMITER
from streams.reasoning.request.prompt import Prompt, Request, render
from streams.reasoning.request.tasks import MAX_TASK_CHARS, shown_name
from streams.rows.row_batch import RowBatch
from tests.events import NOW_US, raw, record
from tests.stepped import CHANNELS, Stepped, owning_partition
from tests.unit.reasoning.samples import SKILLS, evidence, prompt, scored, update

CANARY = "Essay of Anna Schmidt, anna@example.org"
COMPONENT = "Annas Bruchrechnen"
OWNING = owning_partition(b"ada")


def told(*tasks: str | None) -> SkillUpdate:
    """An update of as many passed tasks, so called, of one skill."""
    items = [evidence("passed", 0.5 + number / 10) for number in range(len(tasks))]
    named = [
        item if task is None else msgspec.structs.replace(item, task=task)
        for item, task in zip(items, tasks, strict=True)
    ]
    return update(resilience=scored(items=tuple(named)))


def published(about: SkillUpdate) -> Explanation:
    question = prompt().question(about)
    draft = template.draft_of(question.skills)
    return assemble(about, question, draft, "template", "t", "2026-11-22T08:00:00Z")


@pytest.mark.parametrize(("code", "shown"), [("en", "“Sums”"), ("es", "«Sums»"), ("de", "„Sums“"), ("fr", "« Sums »")])
def test_each_language_has_its_own_quotation_marks(code: LanguageCode, shown: str) -> None:
    about = told("Sums")
    question = Prompt(SKILLS, Language.of(code)).question(about)
    draft = template.draft_of(question.skills, question.language)
    explanation = assemble(about, question, draft, "template", "t", "2026-11-22T08:00:00Z")

    assert f"({shown}, " in explanation.skills[0].claims[0].text


def test_a_request_has_tasks_in_the_order_in_which_they_are_met_and_no_names() -> None:
    question = prompt().question(told("Sums", "Fractions", "Sums", None))
    [skill] = question.request.skills

    assert [fact.values.get(f"{fact.id}.task") for fact in skill.facts] == ["T1", "T2", "T1", None]
    sent = str(render(question.request))
    assert "Sums" not in sent
    assert "Fractions" not in sent


def test_what_is_published_has_the_names_in_quotation_marks() -> None:
    [skill] = published(told("Sums", "Fractions")).skills

    assert "(“Sums”, 2 days ago)" in skill.claims[0].text
    assert "(“Fractions”, 2 days ago)" in skill.claims[0].text
    assert "T1" not in skill.claims[0].text
    assert [fact.task for fact in skill.facts] == ["Sums", "Fractions"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("  Two\n lines\t", "Two lines"),
        ("zero\u200bwidth\u202eturned\x07", "zerowidthturned"),
        ('a “quoted” "one"', "a 'quoted' 'one'"),
        ("x" * 80, "x" * MAX_TASK_CHARS),
        ("{e1} {score}", "{e1} {score}"),
        ("\u200b\u2066", ""),
    ],
)
def test_a_name_is_shown_in_one_line_without_what_nobody_sees(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    [skill] = published(told(name)).skills
    assert (f"“{shown}”" in skill.claims[0].text) is bool(shown)
    assert (skill.facts[0].task == shown) is bool(shown)


async def test_what_tells_tasks_passes_the_check() -> None:
    request = prompt().question(told("Sums", "Fractions", None)).request
    assert check_claims(request, template.draft_of(request.skills)).faults == ()
    assert check_claims(request, (await ScriptedModel().explain(request)).draft).faults == ()


class _Recording(ScriptedModel):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        self.sent: list[str] = []

    async def explain(self, request: Request) -> Reply:
        self.sent.append(str(render(request)))
        return await super().explain(request)


def explained() -> tuple[_Recording, Explanation]:
    stepped, model = Stepped(), _Recording()
    given: dict[str, Any] = {"item_id": CANARY, "kcs": [COMPONENT], "success": True, "score": 1.0}
    values = [raw(event_id=f"e{number}", minute=number, **given) for number in range(8)]
    values.append(raw("failure", event_id="f", minute=9, item_id=CANARY, gave_up=True))
    stepped.take(CHANNELS.activity, OWNING, [record(value, at, partition=OWNING) for at, value in enumerate(values)])

    async def ask() -> Explanation | None:
        pipeline = stepped.pipeline
        row_batch = RowBatch.of([stepped.rows.get(OWNING, b"ada")], pipeline.skill_set.names)
        scored_batch = await pipeline.score(row_batch)
        [written] = pipeline.write([b"ada"], scored_batch)
        limiter = MemoryLimiter(LIMITER, [calls_per_minute(60)], clock_us=lambda: NOW_US)
        await limiter.fill()
        registry = Registry()
        registry.register(limiter)
        explainer = Explainer(model, Prompt(pipeline.skill_set), lambda: NOW_US, random.Random(1), registry=registry)
        changes = changes_of(scored_batch.rows, pipeline.skill_set)
        explanation, _ = await explainer.explain(read_update(written), row_batch.pending(0), None, changes)
        return explanation

    explanation = asyncio.run(ask())
    assert explanation is not None
    return model, explanation


def test_names_in_tasks_and_components_are_in_no_request_and_no_log_but_in_the_published_facts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.DEBUG):
        model, explanation = explained()

    assert model.sent
    for part in ("Anna", "Schmidt", "anna@", "Bruch"):
        assert not any(part in sent for sent in model.sent)
        assert part not in caplog.text
    cited = [fact for skill in explanation.skills for fact in skill.facts]
    assert CANARY in {fact.task for fact in cited}
    assert any(f"“{CANARY}”" in claim.text for skill in explanation.skills for claim in skill.claims)
