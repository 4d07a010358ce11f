"""Words of published lists in English texts: counted as what a text says of itself, for profiles, and for no score."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.update import SkillProfile, read_update
from streams.evidence.features import FEATURES
from streams.evidence.platforms import facts_counted
from streams.folding.history import FoldOutcome
from streams.rows.row import Totals
from streams.skills.text_reader import TextReader
from streams.skills.word_lists import WORD_LISTS, measured
from streams.texts.words import tokenise, words_of
from streams.vocabulary import FACTS, Fact
from tests.events import Student, default_skills, event, folded, processed, raw, records
from tests.shared_data import needs
from tests.unit.test_voiding import LATER_US, void
from tests.unit.word_list_rates import rates

READER = TextReader.of(default_skills())
PLAIN = "we put the plant on the shelf and it grew"


def counted(text: str) -> dict[str, float]:
    return {FACTS[fact]: value for fact, value in READER.read(text).facts}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (PLAIN, {"words_read": 10}),
        ("I think that it might be wrong, and perhaps it is", {"words_read": 11, "hedged": 3}),
        ("In my opinion it tends to be too hot in there", {"words_read": 11, "hedged": 2}),
        ("It does not work because the wire is loose", {"words_read": 9, "connected_causally": 1}),
        ("As a result the lamp is off, therefore we stopped", {"words_read": 10, "connected_causally": 2}),
        ("So I was so happy that it was so big", {"words_read": 10}),
        ("I want to finish it today, my goal is ten pages", {"words_read": 11, "stated_goals": 2}),
        ("I do not want to finish it today", {"words_read": 8}),
        ("I do not know, I want to see it", {"words_read": 9, "stated_goals": 1}),
        ("Could you please help me with the second one?", {"words_read": 9, "requested": 2}),
    ],
)
def test_words_of_lists_are_counted_beside_the_length(text: str, expected: dict[str, float]) -> None:
    assert counted(text) == expected


def test_markup_quotations_and_apostrophes_are_treated_as_for_phrases() -> None:
    text = "<p>It <b>does not</b> work, I don’t want to go on. <blockquote>because perhaps maybe</blockquote></p>"

    assert counted(text) == {"words_read": 10}
    assert counted("She said “perhaps, because I think so” and then we went on with it") == {"words_read": 9}


@pytest.mark.parametrize(
    "text", ["perhaps because", "Vielleicht ist es so, perhaps because", "I want to die because I think it hurts"]
)
def test_what_is_not_read_is_not_counted(text: str) -> None:
    assert READER.read(text).unread is not None
    assert counted(text) == {}


def test_no_phrase_is_in_two_lists_and_each_is_written_as_texts_are_read() -> None:
    for one, other in combinations(WORD_LISTS, 2):
        assert not set(one.phrases) & set(other.phrases)
    for words in WORD_LISTS:
        assert words.source
        for phrase in words.phrases:
            assert words_of(tokenise(phrase)) == phrase.split()


@given(st.lists(st.sampled_from(["perhaps", "because", "want", "to", "not", "as a result", "the", ".", "could you"])))
def test_no_word_counts_twice(parts: list[str]) -> None:
    facts = dict(measured(tokenise(" ".join(parts))))

    words = facts.pop(Fact.WORDS_READ)
    assert sum(facts.values()) <= words
    assert all(facts.values())


# -- in the row


HEDGED = "I think that it is perhaps wrong, because it is hot"


def test_a_row_has_the_sums_and_only_of_what_was_found() -> None:
    facts = folded(event("message", text=HEDGED), event("message", text=PLAIN, minute=1)).facts

    assert (facts[Fact.WORDS_READ].n, facts[Fact.WORDS_READ].total) == (2, 21)
    assert (facts[Fact.HEDGED].n, facts[Fact.HEDGED].total) == (1, 2)
    assert Fact.STATED_GOALS not in facts


def test_a_row_without_english_texts_has_none_of_it() -> None:
    events = (event(), event("message", text="ok", minute=1), event("message", text="Das war gar nicht so", minute=2))

    assert not [fact for fact in folded(*events).facts if [*Fact][fact].standing == "language"]


def test_sums_do_not_depend_on_the_order() -> None:
    texts = [event("message", text=text, minute=n) for n, text in enumerate([HEDGED, PLAIN, HEDGED + " I want to"])]

    forth, back = folded(*texts).facts, folded(*reversed(texts)).facts

    assert {fact: (totals.n, totals.total) for fact, totals in forth.items()} == {
        fact: (totals.n, totals.total) for fact, totals in back.items()
    }


def test_a_voided_text_is_subtracted_with_its_words() -> None:
    student = Student()
    for one in (
        event("message", text=HEDGED, voidable=True, event_id="e1"),
        event("message", text=PLAIN, minute=1),
        void("e1"),
    ):
        student.fold(one, LATER_US)

    assert student.row.facts.get(Fact.HEDGED, Totals()) == Totals()
    assert (student.row.facts[Fact.WORDS_READ].n, student.row.facts[Fact.WORDS_READ].total) == (1, 10)


def test_words_of_lists_leave_as_many_texts_voidable_as_the_length_alone() -> None:
    def held(text: str) -> int:
        student = Student()
        for number in range(14):
            told = event("message", text=text, voidable=True, event_id=str(number), minute=number)
            student.fold(told, LATER_US)
        voids = [student.fold(void(str(number), f"v{number}"), LATER_US) for number in range(14)]
        assert 14 - voids.count(FoldOutcome.APPLIED) == student.row.facts[Fact.WORDS_READ].n
        return voids.count(FoldOutcome.APPLIED)

    assert held(HEDGED + " could you please, I want to") == held(PLAIN) == 14 // 2


# -- no score


def test_no_score_no_evidence_item_and_no_feature_has_anything_of_it() -> None:
    texts = [raw("message", text=text, minute=n) for n, text in enumerate([HEDGED, f"please {PLAIN}, I want to go"])]
    plain = [
        raw("message", text=f"{'it ' * (text.count(b' ') - 20)}was there", minute=n) for n, text in enumerate(texts)
    ]
    described, bare = (processed(records(some), scores=True) for some in (texts, plain))
    [update] = described.updates.values()

    assert described.scored is not None
    assert bare.scored is not None
    assert np.array_equal(described.scored.fused.score, bare.scored.fused.score, equal_nan=True)
    language = {fact.key for fact in Fact if fact.standing == "language"}
    assert len(language) == 1 + len(WORD_LISTS)
    assert not [name for name in FEATURES if name.partition(".")[0] in language]
    assert not [i for each in read_update(update).skills.values() for i in each.evidence if i.fact in language]


@needs("empathic_reactions")
def test_real_texts_have_some_of_each_list() -> None:
    assert all(0.05 < rate < 5 for rate in rates().values())


# -- in a profile


def test_the_default_profiles_show_counts_beside_the_number_of_words() -> None:
    texts = ["I think that it is perhaps wrong, because it is hot", "please, could you help me? I want to do it today"]
    taken = records([raw("message", text=text, minute=n) for n, text in enumerate(texts)])
    [update] = processed(taken, scores=True).updates.values()

    seen = {
        name: (each.count, each.of)
        for skill in read_update(update).skills.values()
        if isinstance(skill, SkillProfile)
        for name, each in skill.indicators.items()
    }

    assert seen.items() >= {
        ("hedges", (2, 22)),
        ("connects_causes", (1, 22)),
        ("states_goals", (1, 22)),
        ("requests", (2, 22)),
    }


def test_indicators_of_language_move_nothing() -> None:
    language = {fact.key for fact in Fact if fact.standing == "language"}
    for skill in default_skills().skills.values():
        for each in skill.indicators:
            if not language.isdisjoint(facts_counted(each)):
                assert each.weight == 0
