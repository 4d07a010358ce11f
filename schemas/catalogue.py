"""`skill-catalogue`: what is the same for every student, by the `config_version` that updates name.

The topic is compacted, and an entry is written before the first update that names it. Whoever writes the entry of a
version writes the same bytes.
"""

import math
from collections.abc import Iterable
from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from schemas.update import EvidenceItem, Kind, SkillScore

FactUnit = Literal["fraction", "count", "days", "minutes", "seconds"]
FactNumber = Literal["shortfall", "log_seconds"]
PHRASES: Final = "~"
"""The entry for all facts that are called `~` and a phrase."""

CATALOGUE_VERSION: Final = 1
_SECONDS_A_MINUTE: Final = 60.0


class LevelThresholds(Struct, frozen=True, kw_only=True):
    """From which score on a level is `developing`, and `proficient`; below `min_confidence` it is `unknown`."""

    developing: float
    proficient: float
    min_confidence: float


class TrainingData(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a skill's model learnt from: what its labels are, how many examples of how many students, and in words who
    was held back to check it.
    """

    labels: str
    examples: int
    students: int
    held_out: str = ""


class CataloguedSkill(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One skill. `kind` is what it is where everything speaks of it; for a student of whom less is known it may be a
    profile, or a score by ratings.

    `interval` says what lies between `low` and `high`; absent where no interval was fitted. `weights` are of sources.
    `rests_on` says in words what a score rests on, by the sources in its contributions that have `log_odds`: their
    names, sorted, with "+" between them; of a set that is not there, the words of each. `indicators` are told in words,
    in which {count}, {of} and {rate} are to be filled in; empty where there are none.
    """

    definition: str
    kind: Kind
    interval: str | UnsetType = UNSET
    weights: dict[str, float]
    rests_on: dict[str, str]
    indicators: dict[str, str] = {}
    trained_on: TrainingData | UnsetType = UNSET


class CataloguedFact(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the fact of an evidence item says, in words. {value} is to be filled in with a number of `unit`, {s} with an
    s unless that is 1; {phrase} with what follows `~` in the fact.

    The number is the item's value; where `number` is `shortfall`, 1 minus it; where it is `log_seconds`, exp(value) - 1
    seconds, so a sixtieth of that in minutes. A fact without `unit` has no number to be told.
    """

    text: str
    unit: FactUnit | UnsetType = UNSET
    number: FactNumber | UnsetType = UNSET

    def in_words(self, value: float, phrase: str = "") -> str:
        """The text of an item of this `value`, and of this `phrase`; its number to two places."""
        if self.number == "shortfall":
            value = 1 - value
        elif self.number == "log_seconds":
            value = math.expm1(value)
        number = round(value / _SECONDS_A_MINUTE if self.unit == "minutes" else value, 2)
        return self.text.format(value=f"{number:g}", s="" if number == 1 else "s", phrase=phrase)


class CatalogueEntry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The skills of one `config_version`; `model` names the artifact, `levels` hold for all skills.

    `facts` are all that evidence items may name, those that are phrases together as `~`. Entries that a former program
    wrote have none.
    """

    version: Literal[1]
    config_version: str
    skill_set: str
    model: str
    levels: LevelThresholds
    skills: dict[str, CataloguedSkill]
    facts: dict[str, CataloguedFact] = {}

    def fact(self, name: str) -> CataloguedFact | None:
        """What a fact of an evidence item says; None where the entry does not say it."""
        return self.facts.get(PHRASES if name.startswith(PHRASES) else name)

    def in_words(self, item: EvidenceItem) -> str:
        """What an evidence item says, in words; its fact's name where the entry does not say it."""
        fact = self.fact(item.fact)
        return item.fact if fact is None else fact.in_words(item.value, item.fact.removeprefix(PHRASES))

    def rests_on(self, name: str, score: SkillScore) -> str:
        """What a score of the skill `name` rests on, in words; empty where the entry does not say it."""
        sources = [source for source, part in sorted(score.contributions.items()) if part.log_odds is not UNSET]
        words = self.skills[name].rests_on
        together = words.get(named_together(sources))
        return " and ".join(words.get(source, "") for source in sources) if together is None else together


def named_together(sources: Iterable[str]) -> str:
    """A set of sources, as `rests_on` names it."""
    return "+".join(sorted(sources))


_ENTRIES: Final = msgspec.json.Decoder(CatalogueEntry)


def encode_entry(entry: CatalogueEntry) -> bytes:
    """The entry as it is written: fields and names in one order, whatever the order of the skills file."""
    return msgspec.json.encode(entry, order="deterministic")


def read_entry(value: bytes) -> CatalogueEntry:
    """The entry in a record's value. Raises msgspec.MsgspecError, or UnicodeDecodeError, for what is none."""
    return _ENTRIES.decode(value)
