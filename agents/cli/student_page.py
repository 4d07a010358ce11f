"""How `skillstream student` looks: skills with their intervals and why, components, the last explanation."""

from collections.abc import Iterable, Iterator
from datetime import timedelta
from textwrap import wrap
from typing import Final

from msgspec import UNSET, UnsetType

from agents.cli.interval_bar import interval_bar
from agents.display.plain import printable
from agents.operations.student import PublishedStudent
from schemas.catalogue import CatalogueEntry
from schemas.explanation import Explanation, SkillExplanation
from schemas.update import (
    ComponentMastery,
    Contribution,
    EvidenceItem,
    IndicatorRate,
    KnownSkill,
    SkillProfile,
    SkillScore,
    SkillUpdate,
)

_NAME_CHARS: Final = 24
_SHORT_NAME_CHARS: Final = 16
_WIDE: Final = 72
_TREND: Final = 0.05
"""A share that moved by less of late is said to be as before."""


class StudentPage:
    """The page as lines of at most `width` characters, a long word's aside, safe for a terminal."""

    def __init__(self, student: PublishedStudent, width: int, *, ascii_only: bool = False) -> None:
        self._student = student
        self._width = width
        self._name_chars = _NAME_CHARS if width >= _WIDE else _SHORT_NAME_CHARS
        self._ascii_only = ascii_only

    def lines(self) -> Iterator[str]:
        """Top to bottom."""
        student = self._student
        yield from self._wrapped(_about(student.update), "")
        if student.update.changed:
            yield from self._section("Moved since the week before", self._moved(student.update, student.entry))
        yield from self._section("Skills", self._skills(student.update, student.entry))
        if student.update.mastery is not UNSET and student.update.mastery:
            yield from self._section(
                "Knowledge components: how likely the next answer is right", self._components(student.update.mastery)
            )
        if student.explanation is not None:
            yield from self._section("Last explanation", self._explanation(student.explanation, student.update))

    def _section(self, title: str, lines: Iterable[str]) -> Iterator[str]:
        yield ""
        yield title
        yield from lines

    def _wrapped(self, text: str, indent: str, hanging: str = "") -> Iterator[str]:
        safe = printable(text)
        yield from wrap(safe, self._width, initial_indent=indent, subsequent_indent=indent + hanging) or [indent + safe]

    def _moved(self, update: SkillUpdate, entry: CatalogueEntry | None) -> Iterator[str]:
        arrow = "to" if self._ascii_only else "→"
        for change in update.changed:
            moved = change.after - change.before
            yield f"  {self._named(change.skill)}  {change.before:.2f} {arrow} {change.after:.2f}  {moved:+.2f}"
            skill = update.skills.get(change.skill)
            if change.because is not None and skill is not None and change.because <= len(skill.evidence):
                why = _in_words(skill.evidence[change.because - 1], update, entry)
                yield from self._wrapped(f"because: {why}", "    ", "  ")

    def _skills(self, update: SkillUpdate, entry: CatalogueEntry | None) -> Iterator[str]:
        for name, skill in update.skills.items():
            yield from self._skill(name, skill, entry)
            for item in skill.evidence:
                yield from self._wrapped(f"{_sign(item)} {_in_words(item, update, entry)}", "    ", "  ")

    def _skill(self, name: str, skill: KnownSkill, entry: CatalogueEntry | None) -> Iterator[str]:
        if isinstance(skill, SkillProfile):
            yield f"  {self._named(name)}  no score: what was seen, in counts"
            for indicator, rate in skill.indicators.items():
                yield from self._wrapped(_indicated(name, indicator, rate, entry), "    ")
        else:
            low, high = _known(skill.low), _known(skill.high)
            yield f"  {self._named(name)}  {skill.score:.2f}  {self._bar(skill.score, low, high)}  {skill.level}"
            yield from self._wrapped(_certainty(skill, low, high), "    ")
            if entry is not None and name in entry.skills and (words := entry.rests_on(name, skill)):
                yield from self._wrapped(f"rests on {words}", "    ")
        if skill.contributions:
            yield from self._wrapped(_sources(skill.contributions), "    ")

    def _components(self, mastery: Iterable[ComponentMastery]) -> Iterator[str]:
        for each in mastery:
            bar = self._bar(each.p, each.low, each.high)
            said, trend = f"  {self._named(each.component)}  {each.p:.2f}  {bar}  of {each.n:,}", _of_late(each.trend)
            yield said + trend if len(said + trend) <= self._width else said

    def _explanation(self, explanation: Explanation, update: SkillUpdate) -> Iterator[str]:
        by = "a template" if explanation.generator == "template" else explanation.model or explanation.generator
        behind = "" if explanation.seq == update.seq else ", of an earlier update"
        yield from self._wrapped(f"by {by}, {explanation.generated_at}{behind}", "  ")
        yield from self._wrapped(explanation.summary, "  ")
        for skill in explanation.skills:
            yield f"  {printable(skill.skill)}"
            for text in _claims(skill):
                yield from self._wrapped(text, "    ", "  ")

    def _named(self, name: str) -> str:
        safe, most = printable(name), self._name_chars
        return safe.ljust(most) if len(safe) <= most else f"{safe[: most - 1]}…"

    def _bar(self, value: float, low: float | None, high: float | None) -> str:
        return interval_bar(value, low, high, ascii_only=self._ascii_only)


def _about(update: SkillUpdate) -> str:
    epoch, offset = update.seq
    written = "" if update.generated_at is UNSET else f", written {update.generated_at}"
    named = {"course": update.course_id, "class": update.class_id, "school": update.school_id}
    where = "".join(f", {what} {name}" for what, name in named.items() if name is not UNSET)
    failed = f". Sources that failed: {', '.join(update.degraded)}" if update.degraded else ""
    return f"{update.student_id}: as of {update.as_of}{written}, position {epoch}/{offset}{where}{failed}"


def _certainty(skill: SkillScore, low: float | None, high: float | None) -> str:
    interval = "" if low is None or high is None else f"{low:.2f} to {high:.2f} in 9 of 10 cases, "
    worth = "validated" if skill.validated else "not validated"
    beyond = ", the model saw no student like this one" if skill.out_of_range is True else ""
    return f"{interval}confidence {skill.confidence:.2f}, {worth}{beyond}"


def _sources(contributions: dict[str, Contribution]) -> str:
    return "by " + "; ".join(f"{name} {_source(part)}" for name, part in contributions.items())


def _source(part: Contribution) -> str:
    if part.status == "failed" or part.p is None:
        return part.status
    stale = " (stale)" if part.status == "stale" else ""
    added = "" if part.log_odds is UNSET else f", {part.added:+.2f} log-odds"
    return f"{part.p:.2f}{added} of {part.n:.0f} events, the newest {_age(part.age_s)} old{stale}"


def _age(age_s: float) -> str:
    age = timedelta(seconds=round(age_s))
    if age.days:
        return f"{age.days} days" if age.days > 1 else "a day"
    minutes = age.seconds // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes >= 60 else f"{minutes} min"


def _sign(item: EvidenceItem) -> str:
    return "-" if item.direction < 0 else "+"


def _in_words(item: EvidenceItem, update: SkillUpdate, entry: CatalogueEntry | None) -> str:
    words = item.fact if entry is None else entry.in_words(item)
    task = f" ({item.task})" if item.task else ""
    return f"{words}{task}, {update.time_of(item)[:16].replace('T', ' ')} UTC"


def _indicated(skill: str, indicator: str, rate: IndicatorRate, entry: CatalogueEntry | None) -> str:
    words = entry.skills[skill].indicators.get(indicator, "") if entry is not None and skill in entry.skills else ""
    text = words or f"{indicator}: {{count}} of {{of}}"
    for slot, number in (("count", rate.count), ("of", rate.of), ("rate", round(rate.value, 2))):
        text = text.replace(f"{{{slot}}}", f"{number:g}")
    return text + _of_late(rate.trend)


def _of_late(trend: float) -> str:
    return "" if abs(trend) < _TREND else ", more of late" if trend > 0 else ", less of late"


def _claims(skill: SkillExplanation) -> Iterator[str]:
    yield from (claim.text for claim in skill.claims)
    for text in (skill.conflict, skill.certainty):
        if text is not UNSET:
            yield text
    if skill.suggestion is not UNSET:
        yield f"To try: {skill.suggestion}"


def _known(value: float | UnsetType) -> float | None:
    return None if value is UNSET else value
