"""What changed since a skill was last explained: noted with the result, told by the next explanation."""

import asyncio
import random
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.explanation import Explanation, ReasoningResult
from schemas.reasoning_result import read_result
from schemas.update import read_update
from streams.limits import MemoryLimiter, Registry, calls_per_minute
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.counted import Counted, RateChange, SkillChange, changes_of, counts_of
from streams.reasoning.explainer import Explainer
from streams.reasoning.model import template
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.policy.explained import note_result, with_noted
from streams.reasoning.policy.settings import LIMITER, PendingPolicy
from streams.reasoning.request.prompt import Prompt
from streams.reasoning.request.skill_facts import MAX_CHANGES
from streams.rows.codec import decode_row
from streams.rows.explanations import LastExplanation, explanations_of, explanations_section
from streams.rows.row import Row, SkillState, Totals
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import Indicator, Skill, SkillSet
from streams.vocabulary import Fact, skill_code
from tests.events import NOW_US, default_skills, raw, record
from tests.stepped import CHANNELS, Stepped, owning_partition
from tests.unit.reasoning.samples import SKILLS, profile, prompt, scored, update

ADA = b"ada"
OWNING = owning_partition(ADA)
RESILIENCE = skill_code("resilience")
EXPLAINED_S = 1_794_268_800  # 2026-11-10, twelve days before the samples' update
PASSED_MORE = SkillChange(EXPLAINED_S, (RateChange("comes_back", Counted(3, 4), Counted(5, 12)),))


class Explained:
    """A step, whose only student is explained by a model that is scripted."""

    def __init__(self) -> None:
        self.stepped = Stepped()
        self.folded = 0

    def fold(self, **event: Any) -> None:
        self.folded += 1
        value = raw(event_id=f"e{self.folded}", minute=self.folded, **event)
        self.stepped.take(CHANNELS.activity, OWNING, [record(value, self.folded, partition=OWNING)])

    @property
    def row(self) -> Row:
        stored = self.stepped.rows.get(OWNING, ADA)
        assert stored is not None
        return decode_row(stored)

    def explain(self) -> Explanation:
        """Explain as a worker does, and note it in the row."""
        explanation, result = asyncio.run(self.ask())
        at = NOW_US // 1000
        read_back = record(msgspec.json.encode(result), self.folded, partition=OWNING, key=ADA, timestamp=at)
        self.stepped.take(CHANNELS.results, OWNING, [read_back])
        assert explanation is not None
        return explanation

    async def ask(self) -> tuple[Explanation | None, ReasoningResult]:
        pipeline = self.stepped.pipeline
        row_batch = RowBatch.of([self.stepped.rows.get(OWNING, ADA)], pipeline.skill_set.names)
        scored = await pipeline.score(row_batch)
        [written] = pipeline.write([ADA], scored)
        limiter = MemoryLimiter(LIMITER, [calls_per_minute(60)], clock_us=lambda: NOW_US)
        await limiter.fill()
        registry = Registry()
        registry.register(limiter)
        explainer = Explainer(
            ScriptedModel(), Prompt(pipeline.skill_set), lambda: NOW_US, random.Random(1), registry=registry
        )
        update = read_update(written)
        changes = changes_of(scored.rows, pipeline.skill_set)
        explanation, result = await explainer.explain(update, row_batch.pending(0), None, changes)
        return explanation, with_noted(result, update.skills, scored.rows, pipeline.skill_set)


def test_an_explanation_tells_what_was_counted_since_the_one_before_and_before_that() -> None:
    explained = Explained()
    for n in range(4):
        explained.fold(kind="failure", item_id=f"q{n}", gave_up=n < 3)
    first = explained.explain()
    for n in range(5):
        explained.fold(kind="failure", item_id=f"r{n}", gave_up=n < 1)
    second = explained.explain()

    told = [{fact.id: fact.text for fact in skill.facts} for each in (first, second) for skill in each.skills]
    assert not any("since" in id_ for facts in told[: len(first.skills)] for id_ in facts)
    [resilience] = [facts for facts in told if "resilience.gives_up.since" in facts]
    assert resilience["resilience.gives_up.since"] == (
        "gave up on 1 of 5 failed tasks since last time, earlier today, before that 3 of 4, less often than before"
    )
    cited = {id_ for skill in second.skills for claim in skill.claims for id_ in claim.evidence}
    assert "resilience.gives_up.since" in cited
    assert cited == {fact.id for skill in second.skills for fact in skill.facts}


def test_a_result_that_is_read_twice_or_late_changes_nothing_of_what_was_counted_then() -> None:
    explained = Explained()
    for n in range(4):
        explained.fold(kind="failure", item_id=f"q{n}")
    _, result = asyncio.run(explained.ask())
    explained.fold(kind="failure", item_id="later")
    row = explained.row
    note_result(row, result, default_skills(), PendingPolicy(), ())
    noted = explanations_of(row.explanations)[RESILIENCE]

    assert noted.counts[Fact.FAILED][0] == 4
    once = row.explanations
    note_result(row, result, default_skills(), PendingPolicy(), ())
    stale = msgspec.structs.replace(result, seq=(0, 1), counts={"resilience": {"failed": (1, 1.0)}})
    note_result(row, stale, default_skills(), PendingPolicy(), ())
    assert row.explanations == once


def result_of(counts: dict[str, dict[str, tuple[int, float]]] | None, **explained: float) -> ReasoningResult:
    return ReasoningResult(
        version=1,
        student_id="ada",
        seq=(0, 9),
        outcome="explained",
        attempts=0,
        at_us=NOW_US,
        explained=explained,
        as_of_us=EXPLAINED_S * 1_000_000,
        counts=counts,
    )


def noted(result: ReasoningResult) -> dict[int, LastExplanation]:
    """What a row notes of it that was explained with four failures before."""
    before = explanations_section({RESILIENCE: LastExplanation(1, {Fact.FAILED: (4, 4.0)})})
    row = Row(offset=9, skills={RESILIENCE: SkillState(score=0.3)}, explanations=before)
    note_result(row, read_result(msgspec.json.encode(result)), default_skills(), PendingPolicy(), ())
    return explanations_of(row.explanations)


def test_a_result_of_a_former_version_leaves_no_counts_that_would_be_told_as_the_last() -> None:
    assert noted(result_of(None, resilience=0.5)) == {}
    assert noted(msgspec.structs.replace(result_of(None), explained=None)) == {}
    assert noted(result_of({}, empathy=0.5)).keys() == {RESILIENCE}


def test_of_what_anybody_may_have_written_only_known_facts_of_known_skills_are_noted() -> None:
    counts = {"resilience": {"failed": (2, 2.0), "danced": (1, 1.0)}, "charm": {"failed": (1, 1.0)}}
    assert noted(result_of(counts, resilience=0.5, charm=0.1)) == {
        RESILIENCE: LastExplanation(EXPLAINED_S, {Fact.FAILED: (2, 2.0)})
    }


counted = st.dictionaries(st.sampled_from([Fact.RETRIED, Fact.FAILED, Fact.GAVE_UP]), st.integers(1, 9), max_size=3)


@settings(max_examples=60, deadline=None)
@given(counted, counted)
def test_what_came_since_and_what_was_before_make_what_is_counted_now(
    then: dict[int, int], more: dict[int, int]
) -> None:
    now = {fact: then.get(fact, 0) + more.get(fact, 0) for fact in {**then, **more}}
    noted_then = {int(fact): (n, float(n)) for fact, n in then.items()}
    row = Row(
        facts={int(fact): Totals(n, float(n)) for fact, n in now.items()},
        explanations=explanations_section({RESILIENCE: LastExplanation(5, noted_then)}),
    )
    rows = RowBatch.of_rows([row], SKILLS.names)
    changes = {each.indicator: each for each in changes_of(rows, SKILLS)["resilience"].rates}

    assert changes_of(rows, SKILLS).keys() == {"resilience"}
    assert (changes.keys() == {"comes_back", "gives_up"}) is (more.get(Fact.FAILED, 0) > 0)
    for name, fact in (("comes_back", Fact.RETRIED), ("gives_up", Fact.GAVE_UP)):
        if name in changes:
            assert changes[name].since.of == more[Fact.FAILED]
            assert changes[name].since.count == min(more.get(fact, 0), more[Fact.FAILED])
            assert changes[name].before == Counted(
                min(then.get(fact, 0), then.get(Fact.FAILED, 0)), then.get(Fact.FAILED, 0)
            )
    assert counts_of(rows, SKILLS, ["resilience"])["resilience"] == {
        fact.key: (now[fact], float(now[fact])) for fact in Fact if fact in now
    }


def test_what_was_voided_since_is_no_change() -> None:
    """Less is counted now than was then: nothing came since."""
    explanations = explanations_section({RESILIENCE: LastExplanation(5, {Fact.FAILED: (4, 4.0)})})
    rows = RowBatch.of_rows([Row(facts={int(Fact.FAILED): Totals(3, 3.0)}, explanations=explanations)], SKILLS.names)

    assert changes_of(rows, SKILLS)["resilience"].rates == ()


@pytest.mark.parametrize("known", [profile(rates=()), scored()], ids=["profile", "score"])
def test_a_change_is_told_of_scores_and_profiles_first_and_instead_of_the_whole_rate(known: Any) -> None:
    question = prompt().question(update(resilience=known), None, {"resilience": PASSED_MORE})
    [skill] = question.skills
    change = skill.facts[0]

    assert question.evidence_ids[change.id] == "resilience.comes_back.since"
    assert change.values == {
        "e1": "3 of 4",
        "e1.rate": "75 %",
        "e1.since": "last time, 12 days ago",
        "e1.before": "5 of 12",
    }
    assert (change.direction, change.way) == ("neither", "more")
    assert [fact for fact in skill.facts if "comes_back" in question.evidence_ids[fact.id]] == [change]


def test_of_a_skill_that_has_not_moved_no_change_is_told() -> None:
    question = prompt().question(update(resilience=profile()), {"empathy"}, {"resilience": PASSED_MORE})
    assert not any(fact.is_change for skill in question.skills for fact in skill.facts)


def test_the_indicators_that_changed_most_are_told_and_of_what_was_never_done_only_what_the_profile_shows() -> None:
    names = [f"i{number}" for number in range(MAX_CHANGES + 2)]
    indicators = tuple(Indicator(name, ("passed.n",), ("attempted.n",), 0.5) for name in names)
    skill = Skill(definition="d", basis="b", weights={"behaviour": 1.0}, indicators=indicators)
    several = SkillSet(version=1, name="t", skills={"resilience": skill})
    rates = [RateChange(name, Counted(index, 9), Counted(1, 9)) for index, name in enumerate(names[1:], 1)]
    never = RateChange(names[0], Counted(0, 40), Counted(0, 4))
    question = Prompt(several).question(
        update(resilience=profile(rates=())), None, {"resilience": SkillChange(EXPLAINED_S, (never, *rates))}
    )

    assert list(question.evidence_ids.values()) == [
        f"resilience.{name}.since" for name in names[: -MAX_CHANGES - 1 : -1]
    ]


@pytest.mark.parametrize(("since", "way"), [((9, 10), "more"), ((1, 10), "less"), ((5, 10), None), ((1, 1), None)])
@pytest.mark.parametrize("name", default_skills().names)
async def test_each_default_indicator_is_told_as_a_change_in_words_that_pass_the_check(
    name: str, since: tuple[float, float], way: str | None
) -> None:
    for each in default_skills().skills[name].indicators:
        change = SkillChange(EXPLAINED_S, (RateChange(each.name, Counted(*since), Counted(10, 20)),))
        skills: dict[str, Any] = {name: profile(rates=())}
        request = Prompt(default_skills()).question(update(**skills), None, {name: change}).request
        [told] = request.skills

        assert [fact.way for fact in told.facts] == [way]
        assert check_claims(request, template.draft_of(request.skills)).faults == ()
        assert check_claims(request, (await ScriptedModel().explain(request)).draft).faults == ()
