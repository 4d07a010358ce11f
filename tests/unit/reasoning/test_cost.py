"""What an explanation costs in the median: two moved skills, by gpt-4.1's prices, with a beginning that is known."""

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from statistics import median

import msgspec
import pytest

from streams.reasoning.model import template
from streams.reasoning.request.instructions import INSTRUCTIONS, REPLY_SCHEMA
from streams.reasoning.request.prompt import Prompt, Request, render
from streams.spending.prices import NANO_USD, SHIPPED_PRICES
from streams.spending.usage import TokenUsage
from tests.classes import simulated_class
from tests.samples.students import SampleClass
from tests.tokens import tokens_in

MOST_USD = 0.003
CACHED_FROM, CACHED_BY = 1_024, 128
"""The shortest beginning that OpenAI keeps, and the steps in which it grows."""


def first_requests() -> list[Request]:
    """Of a simulated class, each about two skills that moved, which were not explained before."""
    students = simulated_class(students=40, events=2_400)
    prompt = Prompt(students.skill_set)
    pairs = [pair for update in students.updates for pair in pairwise(update.skills)]
    updates = [update for update in students.updates for _ in pairwise(update.skills)]
    found = [prompt.question(update, pair).request for update, pair in zip(updates, pairs, strict=True)]
    return [request for request in found if len(request.skills) == 2]


def later_requests() -> list[Request]:
    """Likewise, of students who were explained at half of their events: they tell what changed since."""
    told = SampleClass("default", students=60, events=3_600, seed=11).told(60)
    return [replace(each.request, skills=two) for each in told for two in pairwise(each.request.skills)]


def usage_of(request: Request, schema_tokens: int) -> TokenUsage:
    """A later call's: all of the beginning that is the same for everybody is cached. The reply is the template's."""
    beginning = tokens_in(INSTRUCTIONS) + schema_tokens
    cached = beginning // CACHED_BY * CACHED_BY
    reply = msgspec.json.encode(template.draft_of(request.skills)).decode()
    asked = tokens_in(render(request)[1]["content"])
    return TokenUsage(beginning + asked, tokens_in(reply), cached_tokens=cached)


def test_the_beginning_that_is_the_same_for_all_is_long_enough_to_be_kept() -> None:
    assert tokens_in(INSTRUCTIONS) >= 1.05 * CACHED_FROM


@pytest.mark.parametrize("requests", [first_requests, later_requests])
def test_the_median_explanation_of_two_moved_skills_costs_at_most_three_tenths_of_a_cent(
    requests: Callable[[], list[Request]],
) -> None:
    schema_tokens, asked = tokens_in(msgspec.json.encode(REPLY_SCHEMA).decode()), requests()
    for counted in (0, schema_tokens):  # providers differ in whether the form of the answer is billed
        used = [usage_of(request, counted) for request in asked]
        assert len(used) > 100
        assert median(SHIPPED_PRICES["gpt-4.1"].nano_usd(each) for each in used) <= MOST_USD * NANO_USD
        assert median(each.cached_tokens / each.input_tokens for each in used) >= 0.5


def test_tokens_are_counted_as_published_examples_are() -> None:
    """Four words of the o200k_base vocabulary, a number of four figures (two tokens), and a stop."""
    assert tokens_in("The learner passed tasks") == 4
    assert tokens_in("2026") == 2
    assert tokens_in(".") == 1
