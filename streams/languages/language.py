"""Facts, numbers, ages and sentences in one language."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Self

from schemas.catalogue import FactUnit
from streams.languages.tables import LanguageCode, LanguageTables, english_facts, tables_of

_FORMS: Final = re.compile(r"\[([^]|]*)\|([^]]*)\]")
_GAP: Final = re.compile(r"\{[^{}]*\}")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it is told: a fraction, which is 0 to 1, in percent."""

    value: float
    unit: FactUnit

    @property
    def shown(self) -> float:
        """What a plural goes by."""
        return round(self.value * 100) if self.unit == "fraction" else self.value

    def __str__(self) -> str:
        if self.unit == "fraction":
            return f"{self.shown} %"
        return f"{self.value:.0f}" if self.value == round(self.value) else f"{self.value:.1f}"


@dataclass(frozen=True, slots=True)
class Language:
    """One language. `translations` are a skills file's own, by its own words; they come before the tables'."""

    code: LanguageCode
    tables: LanguageTables
    facts: Mapping[str, str]
    translations: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, code: LanguageCode, translations: Mapping[str, str] | None = None) -> Self:
        """The language of that code."""
        tables = tables_of(code)
        return cls(code, tables, _facts_of(code), translations or {})

    def words(self, text: str) -> str:
        """Words of a skills file; those that nobody translated stay as they are."""
        return self.translations.get(text) or self.tables.words.get(text, text)

    def skill(self, name: str) -> str:
        """What a skill is called within a sentence."""
        plain = name.replace("_", " ")
        return self.translations.get(name) or self.tables.skills.get(name) or self.translations.get(plain, plain)

    def source(self, name: str) -> str:
        """What a source reads, in words; of one that is not built in, its name."""
        return self.tables.sources.get(name, name.replace("_", " "))

    def age(self, days: int) -> str:
        """How long ago something was."""
        return self.tables.today if days <= 0 else self.counted(self.tables.days_ago, Quantity(days, "count"))

    def last_time(self, days: int) -> str:
        """How long ago the last explanation was."""
        says = self.tables.changes
        return says.last_time.format(age=self.age(days) if days > 0 else says.earlier_today)

    def percent(self, rate: float) -> str:
        """A rate, 0 to 1."""
        return self.number(Quantity(rate, "fraction"))

    def number(self, quantity: Quantity) -> str:
        """A number as the language writes it."""
        return str(quantity).replace(".", self.tables.decimal)

    def score(self, value: float) -> str:
        """A score, with two digits."""
        return f"{value:.2f}".replace(".", self.tables.decimal)

    def form(self, pattern: str, quantity: Quantity) -> str:
        """`pattern` with the form for that number, in brackets still; see `tables`."""
        is_one = quantity.shown == 1 if self.tables.one == "exactly one" else abs(quantity.shown) < 2
        return _FORMS.sub(lambda forms: f"[{forms[1 if is_one else 2]}]", pattern)

    def counted(self, pattern: str, quantity: Quantity) -> str:
        """`pattern` with that number in its places, without brackets."""
        return _GAP.sub(self.number(quantity), self.form(pattern, quantity)).replace("[", "").replace("]", "")


@cache
def _facts_of(code: LanguageCode) -> dict[str, str]:
    return english_facts() if code == "en" else dict(tables_of(code).facts)


ENGLISH: Final = Language.of("en")


def capitalised(text: str) -> str:
    """With a capital at its beginning."""
    return f"{text[:1].upper()}{text[1:]}"


def gaps_in(pattern: str) -> frozenset[str]:
    """What is filled in: of a translation the same as of what it translates."""
    return frozenset(_GAP.findall(pattern))
