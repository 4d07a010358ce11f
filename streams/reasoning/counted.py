"""What was counted of a skill: at its last explanation, which the row has kept, and since.

Numbers are those that the skill's indicators read: of events, and of their values. All are sums over a student's whole
history, so what came since is what is counted now less what was counted then, in whatever order events arrive.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from streams.evidence.indicators import term_of
from streams.rows.explanations import FactCounts, explanations_of
from streams.rows.row_batch import RowBatch
from streams.skills.skill_set import Indicator, Skill, SkillSet
from streams.vocabulary import FACTS, skill_code

_NOTHING: Final = 1e-9  # what rounding leaves of sums of values that are equal


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something was done, of how often it could have been."""

    count: float
    of: float

    @property
    def rate(self) -> float:
        """Of something that was counted."""
        return self.count / self.of


@dataclass(frozen=True, slots=True)
class RateChange:
    """What an indicator counted since the last explanation, which is something, and before it, which may be nothing."""

    indicator: str
    since: Counted
    before: Counted

    @property
    def difference(self) -> float:
        """How much higher the rate was since than before; 0 where nothing was counted before."""
        return self.since.rate - self.before.rate if self.before.of > 0 else 0.0

    @property
    def was_done(self) -> bool:
        """Whether it was done at all; of what never was, nobody may know whether it can occur."""
        return self.since.count + self.before.count > 0


@dataclass(frozen=True, slots=True)
class SkillChange:
    """The indicators of a skill of which something was counted since it was explained, as of `as_of_s`."""

    as_of_s: int
    rates: tuple[RateChange, ...]


def counts_of(rows: RowBatch, skill_set: SkillSet, names: Collection[str]) -> dict[str, dict[str, tuple[int, float]]]:
    """What is counted now of these skills of the only one of `rows`, by fact."""
    return {
        name: {FACTS[fact]: counted for fact, counted in _counts(rows, skill).items()}
        for name, skill in skill_set.skills.items()
        if name in names
    }


def changes_of(rows: RowBatch, skill_set: SkillSet) -> dict[str, SkillChange]:
    """What changed of the only one of `rows` since each skill was explained; a skill that never was is left out.

    Raises ValueError for a row whose explanations cannot be read.
    """
    explained = explanations_of(rows.sections["explanations"][0])
    changes = {}
    for name, skill in skill_set.skills.items():
        last = explained.get(skill_code(name))
        if last is not None:
            changes[name] = SkillChange(last.as_of_s, tuple(_changed(skill, _counts(rows, skill), last.counts)))
    return changes


def _counts(rows: RowBatch, skill: Skill) -> FactCounts:
    read = sorted({fact for each in skill.indicators for fact, _ in map(term_of, each.numerator + each.denominator)})
    counted = {fact: (int(rows.facts["n"][0, fact]), float(rows.facts["total"][0, fact])) for fact in read}
    return {int(fact): each for fact, each in counted.items() if each[0]}


def _changed(skill: Skill, now: FactCounts, then: FactCounts) -> Iterable[RateChange]:
    for each in skill.indicators:
        all_now, before = _added_up(each, now), _added_up(each, then)
        of = all_now.of - before.of
        if of > _NOTHING:  # less than nothing where events were voided
            since = Counted(min(max(all_now.count - before.count, 0.0), of), of)
            yield RateChange(each.name, since, Counted(min(before.count, before.of), before.of))


def _added_up(indicator: Indicator, counts: FactCounts) -> Counted:
    sums = [
        sum(counts.get(fact, (0, 0.0))[of_values] for fact, of_values in map(term_of, terms))
        for terms in (indicator.numerator, indicator.denominator)
    ]
    return Counted(*map(float, sums))


UNCHANGED: Final = SkillChange(0, ())
NO_CHANGES: Final[Mapping[str, SkillChange]] = {}
