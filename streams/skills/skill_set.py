"""A skill set: what each skill means, and which facts and phrases speak for or against it.

Skills are configuration, read by `streams.skills.skills_file`. `config_version` changes whenever anything
in one does that a score, a profile or its evidence depends on.
"""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import UNSET, Meta, Struct, UnsetType, field
from numpy.typing import NDArray

from schemas.bounds import MAX_SKILLS
from schemas.errors import SkillstreamError
from schemas.event import MAX_IDENTIFIER_CHARS
from streams.languages.language import Language
from streams.languages.tables import LanguageCode
from streams.skills.sources import BUILT_IN
from streams.skills.suggestions import Suggestion
from streams.texts.text_model import TextModel

PositiveFloat = Annotated[float, Meta(gt=0, le=1e6)]
Probability = Annotated[float, Meta(gt=0, lt=1)]
NonNegative = Annotated[float, Meta(ge=0, le=100)]
SignedWeight = Annotated[float, Meta(ge=-3, le=3)]
Name = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Phrase = Annotated[str, Meta(min_length=2)]
Meaning = Annotated[str, Meta(min_length=2, max_length=80, pattern=r"^[^{}<>\n]*$")]
Translation = Annotated[str, Meta(min_length=1, max_length=300, pattern=r"^[^<>\n]*$")]
PlatformName = Annotated[str, Meta(max_length=MAX_IDENTIFIER_CHARS)]


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

    `basis` is what the skill's score rests on, in words, for `skill-catalogue`: by source, so that a score is said to
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
    """`kappa` observations make a source half as reliable as it can be; reliability halves each half-life of age.

    Sources that wait have `deadline_s` for a batch.
    """

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


def with_text_models(skill_set: SkillSet, text_models: Mapping[str, TextModelFile]) -> SkillSet:
    """The same skills, whose texts these read, by the skill's name."""
    skills = {
        name: msgspec.structs.replace(skill, text_model=text_models[name]) if name in text_models else skill
        for name, skill in skill_set.skills.items()
    }
    return msgspec.structs.replace(skill_set, skills=skills)
