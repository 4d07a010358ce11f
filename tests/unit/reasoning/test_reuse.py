"""An unchanged picture is not paid twice, whoever it is of; and what was kept is checked before it is published."""

from typing import Any

import msgspec
import pytest

from schemas.explanation import Explanation, read_explanation
from schemas.update import SkillUpdate
from streams.reasoning.asking import NotWanted
from streams.reasoning.model.reasoning_model import Draft, DraftClaim, DraftSkill
from streams.reasoning.policy.breaker import ReasoningPaused
from streams.reasoning.shared.answer_cache import CachedAnswer, MemoryAnswerCache
from streams.reasoning.shared.keyed_hash import KeyedHash
from streams.rows.row import Pending
from tests.servers.openai import LoopbackOpenAI, not_json, out_of_quota, refusing, ungrounded
from tests.unit.reasoning.rig import Rig
from tests.unit.reasoning.samples import evidence, scored, update


class Spied(MemoryAnswerCache):
    """`names` are those asked for; `put` is found instead of what was kept."""

    def __init__(self) -> None:
        super().__init__(100, 3600.0)
        self.names: list[str] = []
        self.put: CachedAnswer | None = None

    async def find(self, name: str) -> CachedAnswer | None:
        self.names.append(name)
        return self.put or await super().find(name)


def of_another_student() -> SkillUpdate:
    """The same picture, of somebody else, with other events behind it."""
    sample = update()
    items = (
        evidence("recovered", 3.0),
        evidence("failed", 0.4, -1, "2026-11-22T07:00:00Z"),
    )
    skills: dict[str, Any] = sample.skills | {"resilience": scored(items=items)}
    return msgspec.structs.replace(sample, student_id="somebody", seq=(1, 2), skills=skills)


def of_another_picture() -> SkillUpdate:
    return update(resilience=scored(0.5, items=(evidence("recovered", 3.0),)))


async def explained(rig: Rig, of: SkillUpdate, attempts: int = 0) -> Explanation:
    explanation, _ = await rig.explainer.explain(of, Pending(attempts=attempts))
    assert explanation is not None
    return explanation


async def test_the_same_picture_costs_no_call_and_no_token_of_the_limits(server: LoopbackOpenAI) -> None:
    async with Rig(server.url, answers=Spied()) as rig:
        first, again = await explained(rig, update()), await explained(rig, update(seq=(0, 99)))
    assert rig.grants == len(server.calls) == 1
    assert (first.usage is not None, first.reused) == (True, msgspec.UNSET)
    assert (again.usage, again.reused, again.generator, again.model) == (None, True, "model", first.model)
    assert again.skills == first.skills
    assert rig.outcomes == ["explained", "reused"]
    assert read_explanation(msgspec.json.encode(again)) == again
    assert b"reused" not in msgspec.json.encode(first)


async def test_two_students_share_an_answer_and_each_has_their_own_evidence(server: LoopbackOpenAI) -> None:
    async with Rig(server.url, answers=Spied()) as rig:
        first, other = await explained(rig, update()), await explained(rig, of_another_student())
    assert len(server.calls) == 1
    assert (other.student_id, other.seq) == ("somebody", (1, 2))
    assert [claim.text for claim in other.skills[0].claims] == [claim.text for claim in first.skills[0].claims]
    assert [claim.evidence for claim in other.skills[0].claims] == [["resilience.1"], ["resilience.2"]]


async def test_another_picture_another_model_or_another_secret_is_another_name(server: LoopbackOpenAI) -> None:
    answers = Spied()
    async with Rig(server.url, answers=answers) as rig:
        await explained(rig, update())
        await explained(rig, of_another_picture())
    async with Rig(server.url, answers=answers, models=("gpt-6-luna",)) as rig:
        await explained(rig, update())
    assert len(set(answers.names)) == len(server.calls) == 3
    assert KeyedHash("one")(b"a") != KeyedHash("two")(b"a")
    assert KeyedHash("one")(b"a", b"bc") != KeyedHash("one")(b"ab", b"c")


async def test_a_kept_answer_is_told_while_the_provider_is_away_and_the_budget_spent(server: LoopbackOpenAI) -> None:
    async with Rig(server.url, calls=4, answers=Spied()) as rig:
        await explained(rig, update())
        server.plan(then=out_of_quota)
        await rig.explainer.explain(of_another_picture(), Pending())
        with pytest.raises(ReasoningPaused):
            await rig.explainer.explain(of_another_picture(), Pending())
        assert (await explained(rig, update(), attempts=2)).reused is True


@pytest.mark.parametrize(
    "claim",
    [
        DraftClaim(text="She is a gifted learner.", evidence=["e1"], direction="up"),
        DraftClaim(text="Took {e99} on a task.", evidence=["e1"], direction="up"),
        DraftClaim(text="All this speaks for the skill.", evidence=["e99"], direction="up"),
    ],
)
async def test_what_does_not_pass_the_check_is_asked_anew(server: LoopbackOpenAI, claim: DraftClaim) -> None:
    answers = Spied()
    answers.put = CachedAnswer(model="m", draft=Draft(skills=[DraftSkill(skill="resilience", claims=[claim])]))
    async with Rig(server.url, answers=answers) as rig:
        assert (await explained(rig, update())).reused is msgspec.UNSET
    assert len(server.calls) == 1


async def test_an_answer_without_a_claim_is_asked_anew(server: LoopbackOpenAI) -> None:
    answers = Spied()
    answers.put = CachedAnswer(model="m", draft=Draft(skills=[]))
    async with Rig(server.url, answers=answers) as rig:
        await explained(rig, update())
    assert len(server.calls) == 1


async def test_what_held_of_an_answer_is_kept_and_the_template_tells_the_rest_again(server: LoopbackOpenAI) -> None:
    server.plan(ungrounded, ungrounded)
    async with Rig(server.url, answers=Spied()) as rig:
        first, again = await explained(rig, update()), await explained(rig, update())
    assert len(server.calls) == 2
    assert [skill.generator for skill in again.skills][:2] == ["template", msgspec.UNSET]
    assert again.skills == first.skills


async def test_what_was_refused_or_rejected_is_not_kept(server: LoopbackOpenAI) -> None:
    server.plan(refusing, not_json, not_json)
    async with Rig(server.url, answers=Spied()) as rig:
        reasons = [(await explained(rig, update())).reason for _ in range(3)]
    assert reasons == ["refused", "rejected", None]
    assert len(server.calls) == 4


async def test_nothing_is_told_of_a_student_who_has_moved_away(server: LoopbackOpenAI) -> None:
    async with Rig(server.url, answers=Spied()) as rig:
        await explained(rig, update())
        with pytest.raises(NotWanted):
            await rig.explainer.explain(update(), Pending(), wanted=lambda: False)
