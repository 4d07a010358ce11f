"""Reading texts: longest phrases, negation, and no word that means nothing by itself."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NativeEvent
from streams.evidence.language import LanguageSource
from streams.evidence.source import EstimateStatus
from streams.skills.phrase_book import MAX_TEXT_CHARS, PhraseBook, tokenise
from streams.vocabulary import FACTS
from tests.events import default_skills, event, folded, row_batch_of
from tests.unit.strategies import texts

BOOK = PhraseBook(
    {
        "resilience": {"give up": -1.0, "never give up": 1.0, "try again": 0.8, "not yet": 0.5},
        "adaptability": {"try": 0.1, "again and again": 0.3},
        "collaboration": {"Give Up": -0.2},
    }
)


def found(text: str) -> list[tuple[str, str]]:
    return [(hit.skill, hit.phrase) for hit in BOOK.find(tokenise(text))]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("I never give up!", [("resilience", "never give up")]),
        ("I give up.", [("resilience", "give up"), ("collaboration", "Give Up")]),
        ("I don't give up", []),
        ("I don’t give up", []),
        ("NOT GIVE UP", []),
        ("not yet", [("resilience", "not yet")]),
        ("I will try again", [("resilience", "try again")]),
        ("I will try", [("adaptability", "try")]),
        ("try again and again", [("resilience", "try again")]),
        ("give, up", [("resilience", "give up"), ("collaboration", "Give Up")]),
        ("give upward", []),
        ("forgive up", []),
        ("don't try, never give up", [("resilience", "never give up")]),
        ("", []),
        ("¿…? 🙂", []),
    ],
)
def test_phrases_are_found_in_reading_order_longest_first(text: str, hits: list[tuple[str, str]]) -> None:
    assert found(text) == hits


def test_the_words_once_counted_as_perseverance_say_nothing() -> None:
    row = folded(event("message", text="The sun is up. More of it than ever; I never saw this. Keep it up, more!"))

    assert row.skills == {}


def test_a_text_is_read_to_its_bound() -> None:
    tokens = tokenise("a" * MAX_TEXT_CHARS + " give up")

    assert list(BOOK.find(tokens)) == []
    assert len("".join(tokens)) == MAX_TEXT_CHARS


@given(st.text())
def test_any_text_can_be_read(text: str) -> None:
    for token in tokenise(text):
        assert token.strip("'") == token
    list(BOOK.find(tokenise(text)))


LANGUAGE = LanguageSource()


def estimated(skill: str, *taken: NativeEvent) -> tuple[float, float, int]:
    estimate = LANGUAGE.compute(row_batch_of(folded(*taken)))
    column = default_skills().names.index(skill)
    return float(estimate.p[0, column]), float(estimate.n[0, column]), int(estimate.status[0, column])


def test_language_follows_the_phrases_and_grows_surer_with_texts() -> None:
    once = estimated("resilience", event("message", text="I kept trying"))
    often = estimated("resilience", *(event("reflection", minute=n, text="I kept trying") for n in range(10)))
    against = estimated("resilience", event("message", text="I gave up"))

    assert against[0] < 0.5 < once[0] < often[0]
    assert once[1] == 1
    assert often[1] == pytest.approx(10, rel=1e-3)


def test_an_answer_that_was_asked_for_is_read_and_is_no_reflection() -> None:
    essay = event("reflection", text="I kept trying", asked_for=True)

    assert estimated("resilience", essay) == estimated("resilience", event("reflection", text="I kept trying"))
    assert {FACTS[fact] for fact in folded(essay, event("overdue", minute=1)).facts} == {"missed"}


def test_a_text_without_a_phrase_leaves_the_skill_absent() -> None:
    p, n, status = estimated("resilience", event("message", text="The cell has a nucleus."))

    assert math.isnan(p)
    assert (n, status) == (0, EstimateStatus.ABSENT)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(texts, max_size=8))
def test_language_is_never_certain(several: list[str]) -> None:
    taken = [event("message", minute=n, text=text) for n, text in enumerate(several)]

    estimate = LANGUAGE.compute(row_batch_of(folded(*taken)))

    for p, n, status in zip(estimate.p.flat, estimate.n.flat, estimate.status.flat, strict=True):
        assert status == (EstimateStatus.OK if n else EstimateStatus.ABSENT)
        assert not n or 0.04 < p < 0.96
