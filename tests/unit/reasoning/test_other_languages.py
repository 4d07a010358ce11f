"""In another language than English nobody is asked, and the message says in which one, and why it is a template."""

import random

import msgspec
import pytest

from schemas.explanation import read_explanation
from streams.languages.tables import LANGUAGE_CODES
from streams.reasoning.explainer import Explainer
from streams.reasoning.request.prompt import Prompt
from streams.rows.row import Pending
from tests.servers.openai import LoopbackOpenAI
from tests.unit.reasoning.rig import Rig
from tests.unit.reasoning.samples import SKILLS, update


@pytest.mark.parametrize("code", [code for code in LANGUAGE_CODES if code != "en"])
async def test_nobody_is_asked_in_another_language_and_the_message_says_so(
    server: LoopbackOpenAI, rig: Rig, code: str
) -> None:
    language = SKILLS.language_of(next(each for each in LANGUAGE_CODES if each == code))
    explainer = Explainer(rig.model, Prompt(SKILLS, language), rig.clock, random.Random(1), observe=rig.events.append)

    explanation, result = await explainer.explain(update(), Pending())

    assert explanation is not None
    assert (explanation.generator, explanation.reason, explanation.language) == ("template", "language", code)
    assert read_explanation(msgspec.json.encode(explanation)) == explanation
    assert all(skill.claims for skill in explanation.skills[:2])
    assert rig.outcomes == ["template_language"]
    assert result.outcome == "explained"
    assert server.exchanges == []


async def test_nothing_to_ask_stays_the_reason_where_nothing_is_to_be_told(server: LoopbackOpenAI, rig: Rig) -> None:
    explainer = Explainer(rig.model, Prompt(SKILLS, SKILLS.language_of("de")), rig.clock, random.Random(1))
    explanation, _ = await explainer.explain(update(unknown=update().skills["adaptability"]), Pending())
    assert explanation is not None
    assert explanation.reason == "nothing_to_ask"
    assert explanation.summary == "Es liegt noch zu wenig vor, um zu einer Fähigkeit etwas zu sagen."
    assert server.exchanges == []
