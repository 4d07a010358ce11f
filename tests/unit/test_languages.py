"""The languages that explanations are told in: complete, with the places of the English words, told by templates."""

import itertools
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from agents.config.settings import SettingsError, load_settings, require_secrets
from agents.logs import lifecycle
from agents.reasoning.setup import make_model
from schemas.explanation import Explanation
from schemas.update import SkillUpdate
from streams.languages.language import ENGLISH, Language, Quantity, gaps_in
from streams.languages.tables import LANGUAGE_CODES, LanguageCode, english_facts, tables_of
from streams.reasoning.assembly import assemble
from streams.reasoning.model import template
from streams.reasoning.model.scripted import ScriptedModel
from streams.reasoning.request.prompt import Prompt
from streams.skills.skill_set import SkillsError, SkillSet
from streams.skills.skills_file import load_skills
from streams.skills.sources import BUILT_IN
from tests.unit.reasoning.samples import evidence, profile, rate, scored, update
from tests.unit.test_suggestions import FILE

OTHERS: list[LanguageCode] = [code for code in LANGUAGE_CODES if code != "en"]
SETS = ("default", "mastery", "course_work", "course_success", "empathy")
_OPEN = re.compile(r"[{}\[\]|]")


def words_of(skill_set: SkillSet) -> set[str]:
    """What a skill set says to teachers, beside the names of its skills."""
    words: set[str] = set()
    for skill in skill_set.skills.values():
        words |= {skill.definition, *skill.meaning_of.values()}
        words |= {each.words for each in skill.indicators if isinstance(each.words, str)}
        words |= {each.text for each in skill.suggestions or ()}
    return words


SHIPPED = set().union(*(words_of(load_skills(name)) for name in SETS))
SKILL_NAMES = {skill for name in SETS for skill in load_skills(name).skills}


@cache
def prompt_of(name: str, code: LanguageCode) -> Prompt:
    skills = load_skills(name)
    return Prompt(skills, skills.language_of(code))


def explained(about: SkillUpdate, code: LanguageCode, name: str = "default") -> Explanation:
    question = prompt_of(name, code).question(about)
    draft = template.draft_of(question.skills, question.language)
    return assemble(about, question, draft, "template", "t", "2026-11-22T08:00:00Z")


def texts_of(explanation: Explanation) -> list[str]:
    texts = [explanation.summary]
    for skill in explanation.skills:
        own = [skill.conflict, skill.certainty, skill.suggestion]
        texts += [*(claim.text for claim in skill.claims), *(text for text in own if isinstance(text, str))]
    return texts


@pytest.mark.parametrize("code", OTHERS)
def test_each_language_has_every_fact_and_every_word_of_the_shipped_skill_sets_with_the_same_places(
    code: LanguageCode,
) -> None:
    tables = tables_of(code)
    assert tables.words.keys() == SHIPPED
    assert tables.facts.keys() == english_facts().keys()
    assert tables.skills.keys() == SKILL_NAMES
    assert tables.levels.keys() == {"emerging", "developing", "proficient"}
    assert tables.sources.keys() == tables_of("en").sources.keys() >= BUILT_IN.keys()
    for texts in (tables.words.items(), ((english_facts()[key], text) for key, text in tables.facts.items())):
        for english, text in texts:
            assert gaps_in(text) == gaps_in(english), text
            assert "<" not in text
    in_english = tables_of("en")
    for table in ("sentences", "changes"):
        for name, text in msgspec.structs.asdict(getattr(tables, table)).items():
            assert gaps_in(text) == gaps_in(getattr(getattr(in_english, table), name)), name


@pytest.mark.parametrize("code", LANGUAGE_CODES)
@pytest.mark.parametrize("fact", [*english_facts()])
def test_each_fact_is_told_whole_with_one_and_with_many(code: LanguageCode, fact: str) -> None:
    for value, days in itertools.product((0.0, 1.0, 7.5), (20, 22)):
        item = evidence(fact if fact != "phrase" else "~whatnot", value, 1, f"2026-11-{days}T08:00:00Z")
        for known in (scored(items=(item,)), profile(item, rates=())):
            for text in texts_of(explained(update(resilience=known), code)):
                assert not _OPEN.search(text), text
                assert text[0] == text[0].upper()


@pytest.mark.parametrize("code", OTHERS)
@pytest.mark.parametrize("name", SETS)
def test_no_english_words_are_left_in_what_is_told_of_the_shipped_skills(name: str, code: LanguageCode) -> None:
    skill_set = load_skills(name)
    known: dict[str, Any] = {
        skill: profile(
            *(evidence(f"~{phrase}", 1.0) for phrase in list(table.meaning_of)[:2]),
            rates=tuple(rate(each.name, 3, 4, 0.2) for each in table.indicators),
        )
        for skill, table in skill_set.skills.items()
    }
    explanation = explained(update((0, 1), **known), code, name)
    words = {word for text in texts_of(explanation) for word in re.findall(r"[a-z]+", text.lower())}
    assert words.isdisjoint({"the", "of", "and", "task", "tasks", "what", "learner", "with", "skill"})
    assert explanation.language == code


@pytest.mark.parametrize(
    ("code", "one", "many", "half", "age", "last"),
    [
        ("en", "1 hint", "0 hints", "2.5 hints", "1 day ago", "last time, 2 days ago"),
        ("es", "1 pista", "0 pistas", "2,5 pistas", "hace 1 día", "la última vez (hace 2 días)"),
        ("de", "1 Hinweis", "0 Hinweise", "2,5 Hinweise", "vor 1 Tag", "dem letzten Mal (vor 2 Tagen)"),
        ("fr", "1 indice", "0 indice", "2,5 indices", "il y a 1 jour", "la dernière fois (il y a 2 jours)"),
    ],
)
def test_numbers_plurals_and_ages_are_those_of_the_language(
    code: LanguageCode, one: str, many: str, half: str, age: str, last: str
) -> None:
    language = Language.of(code)
    for value, expected in ((1, one), (0, many), (2.5, half)):
        assert expected in language.counted(language.facts["hinted"], Quantity(value, "count"))
    assert (language.age(1), language.last_time(2)) == (age, last)


def test_a_template_in_german_reads_as_a_teacher_would_write_it() -> None:
    low = scored(0.2, 0.5, "emerging", (evidence("gave_up", 1.0, -1), evidence("recovered", 3.0)))
    explanation = explained(update(resilience=low), "de")
    assert texts_of(explanation) == [
        "Am meisten ist zu Resilienz bekannt: beginnend, mit einem Wert von 0,20, höchstwahrscheinlich zwischen 0,10 "
        "und 0,30.",
        "Gegen Resilienz spricht: eine Aufgabe aufgegeben (vor 2 Tagen).",
        "Für Resilienz spricht: eine Aufgabe bei Versuch 3 bestanden (vor 2 Tagen).",
        "Was zu Resilienz gesagt wird, stützt sich auf 12 Ereignisse und ist ziemlich sicher; ob der Wert stimmt, hat "
        "noch niemand an Ergebnissen geprüft.",
        "Gemeinsam zu einer aufgegebenen Aufgabe zurückkehren und den kleinsten nächsten Schritt vereinbaren.",
    ]
    assert explained(update(resilience=low), "en").language is UNSET


def test_no_model_is_asked_in_another_language_and_no_skill_is_left_out() -> None:
    about = update(resilience=scored(), empathy=profile(evidence("helped", 1.0), rates=()))
    for code in LANGUAGE_CODES:
        question = prompt_of("default", code).question(about)
        assert (question.request.skills == ()) == (code != "en")
        assert [skill.skill for skill in question.skills] == ["empathy"]


@pytest.mark.parametrize("code", LANGUAGE_CODES)
def test_what_two_skills_have_is_told_of_the_one_that_moved_in_every_language(code: LanguageCode) -> None:
    shared = profile(rates=(rate("gives_up", 2, 6),))
    about = update(adaptability=shared, resilience=shared)
    question = prompt_of("default", code).question(about, {"resilience"})
    [first, second] = template.draft_of(question.skills, question.language).skills
    assert (first.skill, second.skill) == ("resilience", "adaptability")
    assert len(first.claims[0].text) < len(second.claims[0].text)


def own(folder: Path, translations: str) -> SkillSet:
    path = folder / "skills.toml"
    path.write_text(f'{FILE}text = "Come back to it."\n[translations.de]\n{translations}\n', encoding="utf-8")
    return load_skills(str(path))


def test_a_skills_file_brings_translations_or_keeps_its_own_words(tmp_path: Path) -> None:
    mine = str(tmp_path / "skills.toml")
    version = own(tmp_path, "").config_version
    translations = 'resilience = "Durchhalten"\n"Come back to it." = "Noch einmal darauf zurückkommen."'
    assert own(tmp_path, translations).config_version == version
    known = profile(rates=(rate("comes_back", 1, 9),))
    [skill] = explained(update(resilience=known), "de", mine).skills
    assert skill.suggestion == "Noch einmal darauf zurückkommen."
    assert [claim.text for claim in skill.claims] == ["Comes back: 1 of 9."]
    assert explained(update(resilience=known), "de", mine).summary.startswith("Zu Durchhalten gibt es keinen Wert")
    [french] = explained(update(resilience=known), "fr", mine).skills
    assert french.suggestion == "Come back to it."


@pytest.mark.parametrize(
    ("translation", "place"),
    [
        ('resiliense = "Durchhalten"', "translations.de: 'resiliense' is nothing that the file says. Did you mean res"),
        ('"Come back to it." = "Zurück zu {count}."', "has other places to fill than 'Come back to it.': none"),
        ('resilience = "<b>Mut</b>"', "translations.de.resilience"),
        ('resilience = ""', "translations.de.resilience"),
        ('[translations.nl]\nresilience = "Moed"', "translations.nl"),
    ],
)
def test_a_translation_that_does_not_fit_is_refused_with_its_place(
    tmp_path: Path, translation: str, place: str
) -> None:
    with pytest.raises(SkillsError) as refused:
        own(tmp_path, translation)
    assert place in str(refused.value)


def test_another_language_than_english_needs_no_key_and_makes_no_client() -> None:
    settings = load_settings({"SKILLSTREAM_LANGUAGE": "de"})
    require_secrets(settings)
    assert settings.explained_by == "templates"
    assert isinstance(make_model(settings), ScriptedModel)
    with pytest.raises(SettingsError):
        require_secrets(load_settings({}))
    with pytest.raises(SettingsError, match="SKILLSTREAM_LANGUAGE"):
        load_settings({"SKILLSTREAM_LANGUAGE": "nl"})
    assert ENGLISH.words("anything") == "anything"


@pytest.mark.parametrize(("language", "said"), [("en", 0), ("fr", 1)])
def test_a_worker_says_once_as_it_begins_that_no_model_is_asked(
    language: str, said: int, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings({"SKILLSTREAM_LANGUAGE": language, "SKILLSTREAM_REASONING": "scripted"})
    lifecycle.begins(settings, client="c", model="m", config_version="v")
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert [text.startswith("Explanations are templates, in fr") for text in warnings] == [True] * said
