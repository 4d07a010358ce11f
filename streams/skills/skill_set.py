"""A skill set: what each skill means, and which facts and phrases speak for or against it.

Skills are configuration. The file's every field is validated here, unknown ones refused, and the error names the
place. `config_version` changes whenever anything in it does that a score, a profile or its evidence depends on.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Formatter
from typing import Annotated, Any, Final

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType, field
from numpy.typing import NDArray

from schemas.bounds import MAX_SKILLS
from schemas.configuration.document import read_toml
from schemas.configuration.similar import choices, did_you_mean
from schemas.errors import SkillstreamError
from schemas.event import MAX_IDENTIFIER_CHARS
from streams.languages.language import Language, gaps_in
from streams.languages.tables import LanguageCode
from streams.skills.sources import BUILT_IN, all_names
from streams.skills.suggestions import SCORE, Suggestion, SuggestionError, check_suggestion
from streams.texts.text_model import TextModel, TextModelError, load_text_model
from streams.texts.words import tokenise, words_of
from streams.vocabulary import FACTS, RUBRIC_FACT, skill_code

_STOP_WORDS: Final = frozenset(
    "a an and are as at be but by for from go had has have he her him i if in is it its just me more my never no "
    "not of off on or our out she so some than that the them then there they this to too up us was we what when "
    "who will with you your".split()
)

PositiveFloat = Annotated[float, Meta(gt=0, le=1e6)]
Probability = Annotated[float, Meta(gt=0, lt=1)]
NonNegative = Annotated[float, Meta(ge=0, le=100)]
SignedWeight = Annotated[float, Meta(ge=-3, le=3)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Phrase = Annotated[str, Meta(min_length=2)]
Meaning = Annotated[str, Meta(min_length=2, max_length=80, pattern=r"^[^{}<>\n]*$")]
Translation = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"^[^<>\n]*$")]
PlatformName = Annotated[str, Meta(max_length=MAX_IDENTIFIER_CHARS)]
MAX_PHRASE_BYTES: Final = 27


class SkillsError(SkillstreamError):
    """A skill set that cannot be used; the message names the field."""


class Indicator(Struct, frozen=True, forbid_unknown_fields=True):
    """A rate of behaviour: sums of `fact.n` (how often) or `fact.sum` (of its values), numerator over denominator.

    `prior` is the rate of a student of whom nothing is known, worth `strength` observations; `weight` says how much
    and which way a rate above the prior speaks for the skill; without one the rate is shown, and moves nothing.
    `words` tell a teacher what was seen, in the past tense, without a subject: {count} {of} {rate} are the numbers.
    """

    name: Name
    numerator: Annotated[tuple[str, ...], Meta(min_length=1)]
    denominator: Annotated[tuple[str, ...], Meta(min_length=1)]
    prior: Probability
    weight: SignedWeight = 0.0
    strength: PositiveFloat = 5.0
    words: Annotated[str, Meta(max_length=120)] | UnsetType = UNSET  # unset: no part of the version, as before


class TextModelFile(Struct, frozen=True, forbid_unknown_fields=True):
    """The file of a text model, in the skills file's own folder, and its SHA-256; none yet: it is still to be trained.

    `table` is what the file holds. It is no part of a skills file: it is read with it.
    """

    file: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")] | None = None
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")] | None = None
    table: TextModel | UnsetType = UNSET


class Outcome(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a skill is a claim about: a rate of what the student does later, in the terms of an indicator. Its score is
    the mean of that rate. `train` learns it from what came later in a history, where the denominator was `at_least`.
    """

    numerator: Annotated[tuple[str, ...], Meta(min_length=1)]
    denominator: Annotated[tuple[str, ...], Meta(min_length=1)]
    at_least: PositiveFloat = 1.0


class Skill(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One skill. `evidence_weights` (`telling` in the file) weighs facts when evidence items are chosen. Its texts are
    read by a `lexicon`, which weighs phrases, or by a `text_model`.

    `meanings` say what was meant by phrases of the lexicon, in the past tense and without a subject, for explanations:
    the phrases themselves are a student's words, and go nowhere.

    `suggestions` (`try` in the file) are what a teacher may be told to try, the first that fits. They are no part of
    the version, since nothing of an update depends on them.

    `basis` is what the skill's score rests on, in words, which updates quote: by source, so that a score is said to
    rest on those that it does rest on; or as one text, whatever they are.
    """

    definition: str
    basis: str | dict[str, str]
    weights: dict[str, NonNegative]
    evidence_weights: dict[str, SignedWeight] = field(name="telling", default_factory=dict)
    indicators: tuple[Indicator, ...] = ()
    lexicon: dict[Phrase, SignedWeight] = {}
    meanings: dict[Meaning, tuple[str, ...]] | UnsetType = UNSET  # unset: no part of the version, as before
    outcome: Outcome | UnsetType = UNSET  # unset: no part of the version, as before it was there
    per_text: Annotated[float, Meta(ge=-3, le=3, description="log-odds of a text without a phrase")] | None = None
    text_model: TextModelFile | UnsetType = UNSET
    suggestions: tuple[Suggestion, ...] | UnsetType = field(name="try", default=UNSET)

    @property
    def meaning_of(self) -> dict[str, str]:
        """What was meant, by phrase."""
        meanings = {} if self.meanings is UNSET else self.meanings
        return {phrase: meaning for meaning, phrases in meanings.items() for phrase in phrases}

    @property
    def text_table(self) -> TextModel | None:
        """The text model that reads its texts."""
        if self.text_model is UNSET or self.text_model.table is UNSET:
            return None
        return self.text_model.table

    def rests_on(self, sources: Sequence[str], *, labelled: bool) -> str:
        """What a score rests on that these sources carry, in words; `labelled`: one of them saw labels."""
        if isinstance(self.basis, str):
            return self.basis
        words = " and ".join(self.basis.get(source, source) for source in sources)
        return words if labelled else f"{words or 'nothing that has a weight'}; no labels"


class FusionSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """`kappa` observations make a source half as reliable as it can be; reliability halves each half-life of age."""

    kappa: PositiveFloat = 8.0
    half_life_days: PositiveFloat = 60.0
    stale_after_days: PositiveFloat = 365.0
    deadline_s: PositiveFloat = 2.0


class Levels(Struct, frozen=True, forbid_unknown_fields=True):
    """Score thresholds; below `min_confidence` no level is claimed."""

    developing: Probability = 0.4
    proficient: Probability = 0.65
    min_confidence: Probability = 0.15

    def band(self, score: NDArray[np.float64]) -> NDArray[np.intp]:
        """How many of the two thresholds each score has reached."""
        return np.add(score >= self.developing, score >= self.proficient, dtype=np.intp)

    def classify(self, score: NDArray[np.float64], confidence: NDArray[np.float64]) -> NDArray[np.intp]:
        """The level that each score is in, as an index of LEVELS; 0, unknown, where too little is known."""
        return np.where(confidence < self.min_confidence, 0, 1 + self.band(score))


class SkillSet(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A whole skills file. `sources` are settings of sources that are not built in, theirs to understand.

    `platforms` are those that send the events, under any names, each with the facts that occur in its events.
    `translations` are of the file's own words, by these: of a skill by its name. They are no part of the version.
    """

    version: Annotated[int, Meta(ge=1, le=1)]
    name: Name
    skills: Annotated[dict[Name, Skill], Meta(min_length=1, max_length=MAX_SKILLS)]
    fusion: FusionSettings = FusionSettings()
    levels: Levels = Levels()
    sources: dict[Name, dict[str, Any]] | UnsetType = UNSET  # unset: no part of the version, as before it was there
    platforms: dict[PlatformName, tuple[str, ...]] | UnsetType = UNSET  # likewise
    translations: dict[LanguageCode, dict[str, Translation]] | UnsetType = UNSET

    @property
    def names(self) -> tuple[str, ...]:
        """The skills, in the file's order: the columns of every array of scores."""
        return tuple(self.skills)

    @property
    def source_names(self) -> tuple[str, ...]:
        """The sources in use: those built in, then, by name, those that a skill gives a weight."""
        with_weight = {source for skill in self.skills.values() for source in skill.weights}
        return (*BUILT_IN, *sorted(with_weight - BUILT_IN.keys()))

    @property
    def config_version(self) -> str:
        """Twelve hex digits of the SHA-256 of the content that updates depend on."""
        skills = {name: msgspec.structs.replace(skill, suggestions=UNSET) for name, skill in self.skills.items()}
        named = msgspec.structs.replace(self, skills=skills, translations=UNSET)
        return hashlib.sha256(msgspec.json.encode(named, order="deterministic")).hexdigest()[:12]

    def language_of(self, code: LanguageCode) -> Language:
        """A language, with the translations of the file."""
        return Language.of(code, {} if self.translations is UNSET else self.translations.get(code))

    def settings_of(self, source: str) -> dict[str, Any]:
        """The table [sources.<source>] of the file; empty where there is none."""
        return {} if self.sources is UNSET else self.sources.get(source, {})


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


def with_text_models(skill_set: SkillSet, text_models: Mapping[str, TextModelFile]) -> SkillSet:
    """The same skills, whose texts these read, by the skill's name."""
    skills = {
        name: msgspec.structs.replace(skill, text_model=text_models[name]) if name in text_models else skill
        for name, skill in skill_set.skills.items()
    }
    return msgspec.structs.replace(skill_set, skills=skills)


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
