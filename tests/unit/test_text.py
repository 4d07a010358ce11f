"""Reading texts: what the writer says, in English, of themselves; nothing is guessed."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.event import NativeEvent
from streams.evidence.language import LanguageSource
from streams.evidence.source import EstimateStatus
from streams.skills.phrase_book import PhraseBook
from streams.skills.text_reader import TextReader, Unread, readable
from streams.texts.disclosure import disclosures_in
from streams.texts.quotations import without_quotations
from streams.texts.words import BREAK, MAX_TEXT_CHARS, tokenise
from streams.vocabulary import FACTS
from tests.events import default_skills, event, folded, row_batch_of
from tests.unit.strategies import texts

BOOK = PhraseBook(
    {
        "resilience": {"give up": -1.0, "never give up": 1.0, "try again": 0.8, "not yet": 0.5, "i don't": -0.1},
        "adaptability": {"try": 0.1, "again and again": 0.3},
        "collaboration": {"Give Up": -0.2, "team": 0.5},
    }
)
GIVE_UP = [("resilience", "give up"), ("collaboration", "Give Up")]
AGAIN = [("resilience", "try again")]


def own_tokens(text: str) -> list[str]:
    return tokenise(without_quotations(text))


def found(text: str) -> list[tuple[str, str]]:
    return [(hit.skill, hit.phrase) for hit in BOOK.find(own_tokens(text))]


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("I never give up!", [("resilience", "never give up")]),
        ("I give up.", GIVE_UP),
        ("not yet", [("resilience", "not yet")]),
        ("I will try again", AGAIN),
        ("TRY AGAIN", AGAIN),
        ("try again and again", AGAIN),
        ("try again, try again. Try again!", AGAIN),
        ("give upward", []),
        ("forgive up", []),
        ("try. Again", []),
        ("", []),
        ("¿…? 🙂", []),
    ],
)
def test_phrases_are_found_in_reading_order_longest_first_each_once(text: str, hits: list[tuple[str, str]]) -> None:
    assert found(text) == hits


@pytest.mark.parametrize(
    "denied",
    [
        "I am not going to give up",
        "I am NOT going to just give up",
        "we will never ever give up",
        "she left without wanting to give up",
        "no reason to give up",
        "they refuse to give up",
        "I couldn't give up",
        "I couldn’t give up",
        "I couldnt give up",
        "I couldn`t give up",
        "to give up is never right",
        "to give up isn't what we do",
    ],
)
def test_a_denied_phrase_says_nothing_and_not_its_opposite(denied: str) -> None:
    assert found(denied) == []


@pytest.mark.parametrize(
    ("text", "hits"),
    [
        ("It was not easy. I give up", GIVE_UP),
        ("It was not easy, I give up", GIVE_UP),
        ("It was not easy but I give up", GIVE_UP),
        ("It is not so very easy for us all here to give up", GIVE_UP),
        ("to give up. Never mind", GIVE_UP),
        ("never give up and try again", [("resilience", "never give up"), *AGAIN]),
        ("I don't give up", [("resilience", "i don't")]),
        ("not a day when you never give up", []),
    ],
)
def test_a_negation_reaches_a_few_words_of_its_clause(text: str, hits: list[tuple[str, str]]) -> None:
    assert found(text) == hits


def test_a_single_word_speaks_only_beside_a_phrase_of_its_skill() -> None:
    assert found("our team has two captains") == []
    assert found("our team will give up") == [("collaboration", "team"), *GIVE_UP]
    assert found("our team will not give up") == []
    assert found("I will try") == []


@pytest.mark.parametrize(
    "quoted",
    [
        'He said "I give up" and left',
        "He said “I give up, and so do you” and left",
        "He said “why “give up” now” and left",
        "He said «I give up» and left",
        "He said ‘I give up, it isn’t for me’ and left",
        "He said 'I give up, it isn't for me' and left",
        "> I give up\nwhat is it",
        "what is it\n  > > I give up\n",
    ],
)
def test_what_is_quoted_is_somebody_elses(quoted: str) -> None:
    assert found(quoted) == []
    assert found(f"{quoted}. I try again") == AGAIN


@pytest.mark.parametrize(
    "text",
    [
        'a 5" screen, I give up, a 7" screen',
        "the teachers' room: I give up; the students' room",
        '"I give up',
        "“I give up",
        "I give up”",
        "it's so: I give up, that's it",
        "a > b, I give up",
    ],
)
def test_a_quotation_mark_without_its_partner_quotes_nothing(text: str) -> None:
    assert ("resilience", "give up") in found(text)


def test_no_phrase_reaches_across_a_quotation() -> None:
    assert found("I give “and that is that” up") == []


def test_apostrophes_of_every_kind_are_one_and_missing_ones_are_put_in() -> None:
    spellings = ["don't", "don’t", "don`t", "don´t", "donʼt", "dont", "DON'T", "do\u00adn't"]

    assert {tuple(tokenise(spelling)) for spelling in spellings} == {("don't",)}
    assert tokenise("its well-known") == ["its", "well", "known"]


def test_a_text_is_read_to_its_bound() -> None:
    tokens = tokenise("a" * MAX_TEXT_CHARS + " give up")

    assert BOOK.find(tokens) == []
    assert len("".join(tokens)) == MAX_TEXT_CHARS


def test_markup_does_not_count_for_the_bound() -> None:
    text = "<p>" + "<span></span>" * 2_000 + "I want to kill myself and to die today</p>"

    assert len(text) > MAX_TEXT_CHARS
    assert readable(text) is Unread.DISCLOSURE
    assert disclosures_in(text) == ["self_harm"]


@settings(max_examples=50)
@given(st.text() | st.text("\"'‘’“”«»> \nab", max_size=200))
def test_any_text_can_be_read(text: str) -> None:
    for token in own_tokens(text):
        assert token == BREAK or token.strip("'") == token
    BOOK.find(own_tokens(text))
    READER.read(text)


READER = TextReader.of(default_skills())
TRIED = "It was hard but I kept trying"


LANGUAGE = LanguageSource()


def estimated(skill: str, *taken: NativeEvent) -> tuple[float, float, int]:
    estimate = LANGUAGE.compute(row_batch_of(folded(*taken)))
    column = default_skills().names.index(skill)
    return float(estimate.p[0, column]), float(estimate.n[0, column]), int(estimate.status[0, column])


def test_language_follows_the_phrases_and_grows_surer_with_texts() -> None:
    once = estimated("resilience", event("message", text=TRIED))
    often = estimated("resilience", *(event("reflection", minute=n, text=TRIED) for n in range(10)))
    against = estimated("resilience", event("message", text="It was hard so I gave up"))

    assert against[0] < 0.5 < once[0] < often[0]
    assert once[1] == 1
    assert often[1] == pytest.approx(10, rel=1e-3)


def test_an_answer_that_was_asked_for_is_read_and_is_no_reflection() -> None:
    essay = event("reflection", text=TRIED, asked_for=True)

    assert estimated("resilience", essay) == estimated("resilience", event("reflection", text=TRIED))
    facts = {FACTS[fact] for fact in folded(essay, event("overdue", minute=1)).facts}
    assert facts == {"missed", "words_read"}


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


@settings(max_examples=200)
@given(text=st.text(st.sampled_from("abZ9'`.,!?()[]\n _-\t\"&"), max_size=30))
def test_a_text_in_ascii_has_the_tokens_that_it_has_beside_others(text: str) -> None:
    assert tokenise(f"{text} é") == [*tokenise(text), "é"]


def test_phrases_that_begin_alike_are_told_apart_by_what_follows() -> None:
    book = PhraseBook({"a": {"i": 0.1, "i see": 1.0, "i see you": 1.0, "i hear": 1.0, "i see them there": 1.0}})

    def phrases(text: str) -> list[str]:
        return [hit.phrase for hit in book.find(tokenise(text))]

    assert phrases("i see you and i hear") == ["i see you", "i hear"]
    assert phrases("i see them, i") == ["i see", "i"]
    assert phrases("i see them there i") == ["i see them there", "i"]
    assert phrases("i hear. i see") == ["i hear", "i see"]
    assert phrases("i") == []
