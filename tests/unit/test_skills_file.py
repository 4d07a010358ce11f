"""Skills files: configuration, checked whole, errors that name the place."""

from pathlib import Path

import pytest

import streams
from streams.skills.skill_set import SkillsError
from streams.skills.skills_file import load_skills

DEFAULT = (Path(streams.__file__).parent / "config" / "default.toml").read_text(encoding="utf-8")
EMPATHY = "[skills.empathy]\n"


def load(tmp_path: Path, old: str, new: str) -> None:
    assert old in DEFAULT
    path = tmp_path / "skills.toml"
    path.write_text(DEFAULT.replace(old, new, 1), encoding="utf-8")
    load_skills(str(path))


@pytest.mark.parametrize("name", ["default", "course_success", "empathy"])
def test_the_built_in_sets_load(name: str) -> None:
    assert load_skills(name).name == name


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        (
            "prior = 0.4",
            "prior = 1.4",
            "line 42: skills.empathy.indicators.0.prior: 1.4 is not a number above 0, below 1",
        ),
        ("prior = 0.4", "", "skills.empathy.indicators.0: prior is missing"),
        ("language = 1.0", "language = -1.0", "skills.empathy.weights.language"),
        ("language = 1.0", "language = inf", "skills.empathy.weights.language"),
        ("language = 1.0", "langage = 1.0", "skills.empathy.weights: no source 'langage'"),
        ('"suffering" = 0.4', '"suffering" = 9.0', "skills.empathy.lexicon.suffering"),
        ('"suffering" = 0.4', '"suffering" = nan', "skills.empathy.lexicon.suffering"),
        ('"suffering"', f'"{"ж" * 14}"', "skills.empathy.lexicon: 'жж"),
        ('"suffering"', '"?!"', "skills.empathy.lexicon: '?!'"),
        (
            '["are you okay", "are you ok"]',
            '["are you ok?"]',
            "skills.empathy.meanings: 'are you ok?' is no phrase of the",
        ),
        ('"asked what was meant"', '"asked <b>what</b>"', "skills.communication.meanings"),
        ("helped = 0.8", "hepled = 0.8", "skills.empathy.telling: no fact 'hepled'; there are "),
        ('["helped.n"]', '["helped.x"]', "skills.empathy.indicators.helps_rather_than_asks: 'helped.x'"),
        ('["helped.n"]', "[]", "skills.empathy.indicators.0.numerator"),
        ("answers_others", "helps_rather_than_asks", "skills.empathy.indicators: two have one name"),
        (
            "{count} of {of} acts with",
            "{n} acts with",
            "helps_rather_than_asks.words: 'helped in {n}",
        ),
        ("{count} of {of} acts with", "{count!r} acts with", "has other places to fill than {count}, {of} and {rate}"),
        ("{count} of {of} acts with", "{count of", "has other places to fill than {count}, {of} and {rate}"),
        (EMPATHY, EMPATHY + "colour = 1\n", "skills.empathy.colour: there is no such key. There are definition, basis"),
        ("kappa = 8.0", "kappa = inf", "fusion.kappa"),
        ("kappa = 8.0", "kapa = 8.0", "fusion.kapa: there is no such key. Did you mean kappa?"),
        ("developing = 0.4", "developing = 0.9", "levels: developing"),
        ("version = 1", "version = 2", "version: 2 is not 1"),
        ("version = 1", "version = true", "version: true is not 1"),
        ("version = 1", 'version = "1"', "version: '1' is not 1"),
        (EMPATHY, "[skills.Empathy]\n", "its name 'Empathy' is not a text of the form"),
        ("version = 1", "version = ", "line"),
    ],
)
def test_a_wrong_value_is_named_by_its_place(tmp_path: Path, old: str, new: str, place: str) -> None:
    with pytest.raises(SkillsError) as error:
        load(tmp_path, old, new)

    assert place in str(error.value)
    assert "skills.toml" in str(error.value)


@pytest.mark.parametrize("word", ["up", "more", "never", "Up", "the", "NOT"])
def test_a_common_word_alone_is_refused(tmp_path: Path, word: str) -> None:
    with pytest.raises(SkillsError, match="too common"):
        load(tmp_path, '"suffering"', f'"{word}"')


@pytest.mark.parametrize("phrase", ["never give up", "more than one", "because"])
def test_a_phrase_of_common_words_and_a_meaningful_word_alone_are_allowed(tmp_path: Path, phrase: str) -> None:
    load(tmp_path, '"suffering"', f'"{phrase}"')


def test_a_missing_file_is_named() -> None:
    with pytest.raises(SkillsError, match=r"nowhere\.toml: No such file"):
        load_skills("nowhere.toml")


def test_the_config_version_changes_with_any_value_and_with_nothing_else(tmp_path: Path) -> None:
    def version(text: str) -> str:
        path = tmp_path / "skills.toml"
        path.write_text(text, encoding="utf-8")
        return load_skills(str(path)).config_version

    assert version(DEFAULT) == load_skills("default").config_version
    assert version(DEFAULT + "\n# a remark\n") == version(DEFAULT)
    assert version(DEFAULT.replace("kappa = 8.0", "kappa = 8.5")) != version(DEFAULT)
    assert version(DEFAULT.replace('definition = "', 'definition = "Also: ', 1)) != version(DEFAULT)
