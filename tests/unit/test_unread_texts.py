"""Which texts are read at all: English ones of enough words that disclose no harm; the rest is evidence of nothing."""

import pytest

from schemas.update import read_update
from streams.skills.text_reader import TextReader, Unread
from streams.vocabulary import FACTS
from tests.events import default_skills, event, folded, processed, raw, records, scores_of
from tests.shared_data import needs
from tests.unit.foreign_texts import FOREIGN, SIZES, reactions, share_read

READER = TextReader.of(default_skills())
TRIED = "It was hard but I kept trying"


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
def test_what_is_not_clearly_english_is_not_read(text: str) -> None:
    words = text.split()
    for start in range(max(1, len(words) - 12)):
        assert READER.read(" ".join(words[start : start + 12])).unread is Unread.NOT_ENGLISH
    assert READER.read(f"{text} kept trying").unread is Unread.NOT_ENGLISH


@needs("empathic_reactions")
def test_english_of_five_words_is_mostly_read_and_whole_texts_always() -> None:
    english = list(reactions())[::4]

    assert share_read(english, 5, 5) > 0.93
    assert share_read(english, 15, 15) > 0.995
    assert share_read(english, 1_000, 1) == 1
    assert not any(share_read(FOREIGN.values(), size, 1) for size in SIZES)


ENGLISH = [
    TRIED,
    "I kept trying and tried again until it worked.",
    "idk what the answer is but we could try something else",
    "Great idea, let's work together on it!",
    "Could you explain how you got the second line?",
    "Photosynthesis needs light, water and carbon dioxide, which the leaves take in through their pores.",
]


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_read(text: str) -> None:
    assert READER.read(text).unread is None


@pytest.mark.parametrize("text", ["", "I kept trying", "“I kept trying and tried again” yes", "!!!", "<p><br></p>"])
def test_a_text_of_few_words_of_its_own_is_not_read(text: str) -> None:
    assert READER.read(text).unread is Unread.SHORT


@pytest.mark.parametrize(
    "text",
    [
        "I can't do this, what's the point. I want to die, so sad",
        "He said “you want to die” and I know how you feel",
        "I dont want to live anymore and I give up",
        "my dad beats me so I was scared to go home and I give up",
        "sometimes I cut myself when it is too hard",
        "<p>I feel <b>suicidal</b>, what is the point of it</p>",
    ],
)
def test_a_text_that_may_disclose_harm_is_evidence_of_nothing(text: str) -> None:
    row = folded(event("message", text=text))

    assert READER.read(text).unread is Unread.DISCLOSURE
    assert row.skills == {}
    assert {FACTS[fact] for fact in row.facts} == {"wrote"}


def test_no_score_and_no_evidence_item_rests_on_a_possible_disclosure() -> None:
    told = [raw("message", minute=n, text=f"{TRIED}, so sad. {words}") for n, words in enumerate(DISCLOSURES)]

    [update] = processed(records(told), scores=True).updates.values()

    said = read_update(update)
    assert not scores_of(said)
    assert not [item for each in said.skills.values() for item in each.evidence]
    assert b"trying" not in update


DISCLOSURES = ["I want to die", "I dont want to live", "He hits me", "I am suicidal", "I was abused", "I cut myself"]


def test_markup_of_native_events_is_not_read_as_words() -> None:
    plain = READER.read("It&#39;s hard. <p>I <b>kept</b> trying, <blockquote>tried again</blockquote></p>")

    assert [hit.phrase for hit in plain.hits] == ["kept trying"]


@pytest.mark.parametrize(
    ("skill", "text"),
    [
        ("empathy", "the children in my family have two parents"),
        ("resilience", "I am not going to give up"),
        ("problem_solving", "It rained because the air was cold and wet"),
        ("communication", "You can take whatever you like from there"),
    ],
)
def test_words_without_context_are_no_evidence(skill: str, text: str) -> None:
    row = folded(event("message", text=text))

    assert row.skills == {}
    assert READER.read(text).unread is None


def test_the_words_once_counted_as_perseverance_say_nothing() -> None:
    row = folded(event("message", text="The sun is up. More of it than ever; I never saw this. Keep it up, more!"))

    assert row.skills == {}


def test_texts_that_are_not_read_are_counted_once_by_why() -> None:
    told = [TRIED, "too short", FOREIGN["es"], "I want to die and nobody knows", FOREIGN["de"]]
    values = [raw("message", event_id=f"m{number}", text=text) for number, text in enumerate(told)]

    partition = processed(records([*values, *values]))

    assert partition.counts.unread_texts == {"short": 1, "not_english": 2, "disclosure": 1}
    assert partition.counts.applied == len(told)
