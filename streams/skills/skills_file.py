"""Reading a skills file: every field is validated, unknown ones are refused, and the error names the place."""

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Final

from msgspec import UNSET

from schemas.configuration.document import read_toml
from schemas.configuration.similar import choices, did_you_mean
from streams.languages.language import gaps_in
from streams.skills.skill_set import (
    Indicator,
    Outcome,
    Skill,
    SkillsError,
    SkillSet,
    TextModelFile,
    with_text_models,
)
from streams.skills.sources import BUILT_IN, all_names
from streams.skills.suggestions import SCORE, SuggestionError, check_suggestion
from streams.texts.text_model import TextModelError, load_text_model
from streams.texts.words import tokenise, words_of
from streams.vocabulary import FACTS, RUBRIC_FACT, skill_code

MAX_PHRASE_BYTES: Final = 27
_STOP_WORDS: Final = frozenset(
    "a an and are as at be but by for from go had has have he her him i if in is it its just me more my never no "
    "not of off on or our out she so some than that the them then there they this to too up us was we what when "
    "who will with you your".split()
)


def load_skills(path: str) -> SkillSet:
    """Read a skills file, or a built-in set by its name (`default`, `course_success`, `course_work`, `mastery`,
    `empathy`), and the text models that it names.

    Raises SkillsError naming the file and the field.
    """
    source = skills_path(path)
    try:
        skill_set = read_toml(source.read_text(encoding="utf-8"), SkillSet)
    except OSError as error:
        raise SkillsError(f"skills file {path}: {error.strerror or error}") from None
    except ValueError as error:
        raise SkillsError(f"skills file {path}: {error}") from None
    if skill_set.levels.developing >= skill_set.levels.proficient:
        raise SkillsError(f"skills file {path}: levels: developing must be below proficient")
    if len({skill_code(name) for name in skill_set.names}) < len(skill_set.names):
        raise SkillsError(f"skills file {path}: two skills have names of one hash: rename one")
    sources = all_names()
    for name, skill in skill_set.skills.items():
        _check(f"skills file {path}: skills.{name}", skill, sources)
    for name in skill_set.sources or ():
        if name in BUILT_IN:
            raise SkillsError(f"skills file {path}: sources.{name}: a built-in source has no settings")
        if name not in skill_set.source_names:
            raise SkillsError(f"skills file {path}: sources.{name}: no skill gives it a weight")
    for platform, facts in ({} if skill_set.platforms is UNSET else skill_set.platforms).items():
        if unknown := [fact for fact in facts if fact not in FACTS]:
            there = f"no fact {unknown[0]!r}; there are {choices(unknown[0], FACTS)}"
            raise SkillsError(f"skills file {path}: platforms.{platform}: {there}")
    _check_translations(f"skills file {path}: translations", skill_set)
    return with_text_models(
        skill_set,
        {
            name: _read(f"skills file {path}: skills.{name}.text_model", source.parent, skill, skill.text_model)
            for name, skill in skill_set.skills.items()
            if skill.text_model is not UNSET
        },
    )


def skills_path(path: str) -> Path:
    """Where the skills file of that path, or built-in set of that name, is."""
    builtin = Path(str(files("streams") / "config" / f"{path}.toml"))
    return builtin if builtin.is_file() else Path(path)


def _read(where: str, folder: Path, skill: Skill, named: TextModelFile) -> TextModelFile:
    """What the skill names, with its table. A skill has one way to read texts, and a file is known by its hash."""
    if skill.lexicon or skill.per_text is not None:
        raise SkillsError(f"{where}: it has a lexicon or per_text, too: texts are read in one way")
    if named.table is not UNSET:
        raise SkillsError(f"{where}.table: it is read from the file, and not written here")
    if (named.file is None) != (named.sha256 is None):
        raise SkillsError(f"{where}: file and sha256 belong together; without both it is still to be trained")
    if named.file is None or named.sha256 is None:
        return named
    try:
        return TextModelFile(named.file, named.sha256, load_text_model(folder / named.file, named.sha256))
    except TextModelError as error:
        raise SkillsError(f"{where}: {error}") from None


def _check(path: str, skill: Skill, sources: Sequence[str]) -> None:
    for table, named in (("weights", skill.weights), ("basis", skill.basis)):
        unknown = [] if isinstance(named, str) else [source for source in named if source not in sources]
        if unknown:
            raise SkillsError(f"{path}.{table}: no source {unknown[0]!r}; there are {choices(unknown[0], sources)}")
    for fact in skill.evidence_weights:
        if fact not in FACTS:
            raise SkillsError(f"{path}.telling: no fact {fact!r}; there are {choices(fact, FACTS)}")
    rates: dict[str, Indicator | Outcome] = {f"indicators.{each.name}": each for each in skill.indicators}
    if len(rates) < len(skill.indicators):
        raise SkillsError(f"{path}.indicators: two have one name: rename one")
    if skill.outcome is not UNSET:
        rates["outcome"] = skill.outcome
    for where, rate in rates.items():
        for term in rate.numerator + rate.denominator:
            fact, _, column = term.partition(".")
            if fact not in FACTS or column not in ("n", "sum"):
                raise SkillsError(f"{path}.{where}: {term!r} is not <fact>.n or <fact>.sum")
    for indicator in skill.indicators:
        if indicator.words is not UNSET and not _can_be_filled(indicator.words):
            raise SkillsError(
                f"{path}.indicators.{indicator.name}.words: {indicator.words!r} has other places to fill "
                "than {count}, {of} and {rate}"
            )
    for phrase in skill.meaning_of:
        if phrase not in skill.lexicon:
            there = choices(phrase, sorted(skill.lexicon))
            raise SkillsError(f"{path}.meanings: {phrase!r} is no phrase of the lexicon; there are {there}")
    _check_suggestions(path, skill)
    for phrase in skill.lexicon:
        if len(phrase.encode()) > MAX_PHRASE_BYTES:
            raise SkillsError(f"{path}.lexicon: {phrase!r} has more than {MAX_PHRASE_BYTES} bytes")
        words = words_of(tokenise(phrase))
        if not words or (len(words) == 1 and words[0] in _STOP_WORDS):
            raise SkillsError(f"{path}.lexicon: {phrase!r} is too common to mean anything by itself")


def _check_suggestions(path: str, skill: Skill) -> None:
    rates = {SCORE, *(indicator.name for indicator in skill.indicators)}
    facts = {*FACTS, RUBRIC_FACT, *skill.meaning_of.values()}
    for number, suggestion in enumerate(() if skill.suggestions is UNSET else skill.suggestions):
        try:
            check_suggestion(suggestion, rates, facts)
        except SuggestionError as error:
            raise SkillsError(f"{path}.try.{number}.{error}") from None


def _check_translations(path: str, skill_set: SkillSet) -> None:
    texts = [text for name, skill in skill_set.skills.items() for text in (name, *_words_of(skill))]
    for code, translations in ({} if skill_set.translations is UNSET else skill_set.translations).items():
        for text, translated in translations.items():
            if text not in texts:
                raise SkillsError(f"{path}.{code}: {text!r} is nothing that the file says.{did_you_mean(text, texts)}")
            if gaps_in(translated) != gaps_in(text):
                there = ", ".join(sorted(gaps_in(text))) or "none"
                raise SkillsError(f"{path}.{code}: {translated!r} has other places to fill than {text!r}: {there}")


def _words_of(skill: Skill) -> Iterator[str]:
    """What explanations may say in a skill's own words."""
    yield skill.definition
    yield from (indicator.words for indicator in skill.indicators if isinstance(indicator.words, str))
    yield from skill.meaning_of.values()
    yield from (suggestion.text for suggestion in skill.suggestions or ())


def _can_be_filled(words: str) -> bool:
    """Whether nothing but {count}, {of} and {rate}, plainly, is to be filled in."""
    try:
        return all(
            name in (None, "count", "of", "rate") and not (spec or conversion)
            for _, name, spec, conversion in Formatter().parse(words)
        )
    except ValueError:
        return False
