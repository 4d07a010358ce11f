"""What the demo reports, and the picture that it shows of a few students."""

from collections.abc import Sequence

from msgspec import UNSET, Struct
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from agents.display.plain import printable
from schemas.explanation import Explanation
from schemas.update import IndicatorRate, KnownSkill, SkillProfile, SkillScore, SkillUpdate

_SHOWN_STUDENTS = 3
_BAR_CELLS = 8
_COLOURS = {"unknown": "dim", "emerging": "red", "developing": "yellow", "proficient": "green"}


class Figures(Struct, frozen=True, kw_only=True):
    """The JSON object that `demo --json` ends with. Counts are of events, `late` is part of `applied`."""

    records_in: int
    events_in: int
    applied: int
    ignored: int
    duplicates: int
    dead_lettered: int
    rerouted: int
    late: int
    students: int
    skill_updates: int
    explanations: int
    state_matches_replay: bool


def show(
    console: Console, figures: Figures, updates: Sequence[SkillUpdate], explanations: Sequence[Explanation]
) -> None:
    """A few students with their scores, what drove them, one explanation, and where every event went."""
    shown = _interesting(updates, explanations)
    console.print(_scores(shown))
    console.print(_profiles(shown))
    console.print(_drivers(shown))
    if explanations:
        console.print(_explained(explanations[-1]))
    console.print(_accounts(figures))


def _interesting(updates: Sequence[SkillUpdate], explanations: Sequence[Explanation]) -> list[SkillUpdate]:
    """Explained students first, then those best known."""
    explained = {explanation.student_id for explanation in explanations[-1:]}
    ranked = sorted(
        updates,
        key=lambda update: (
            update.student_id not in explained,
            -sum(skill.confidence for skill in _scored(update).values()),
            -sum(len(profile.indicators) for profile in _profiled(update).values()),
            update.student_id,
        ),
    )
    return ranked[:_SHOWN_STUDENTS]


def _scored(update: SkillUpdate) -> dict[str, SkillScore]:
    return {name: skill for name, skill in update.skills.items() if isinstance(skill, SkillScore)}


def _profiled(update: SkillUpdate) -> dict[str, SkillProfile]:
    return {name: skill for name, skill in update.skills.items() if isinstance(skill, SkillProfile)}


def _scores(updates: Sequence[SkillUpdate]) -> Table:
    """Skills down, students across: it fits 80 columns."""
    table = _table("Scores of a few students, and how sure they are", updates)
    for name in dict.fromkeys(name for update in updates for name in _scored(update)):
        table.add_row(name.replace("_", " "), *(_cell(_scored(update).get(name)) for update in updates))
    return table


def _profiles(updates: Sequence[SkillUpdate]) -> Table:
    """What was seen of skills that nothing was held against an outcome for."""
    table = _table("What was seen of the others: counts, no scores", updates)
    seen = [
        {(name, each): rate for name, profile in _profiled(update).items() for each, rate in profile.indicators.items()}
        for update in updates
    ]
    former = ""
    for skill, indicator in sorted({name: None for each in seen for name in each}):
        name = Text("" if skill == former else skill.replace("_", " ") + "\n", style="bold")
        former = skill
        cells = (_rate(each.get((skill, indicator)), lines=name.plain.count("\n")) for each in seen)
        table.add_row(name.append(f"  {indicator.replace('_', ' ')}", style="not bold"), *cells)
    return table


def _table(title: str, updates: Sequence[SkillUpdate]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("skill", no_wrap=True)
    for update in updates:
        table.add_column(Text(printable(update.student_id)), overflow="ellipsis", no_wrap=True)
    return table


def _rate(seen: IndicatorRate | None, lines: int) -> Text:
    shown = "–" if seen is None else f"{seen.count:g} of {seen.of:g}"
    return Text("\n" * lines + shown, style="dim" if seen is None else "")


def _cell(skill: SkillScore | None) -> Text:
    if skill is None:
        return Text("–", style="dim")
    filled = round(skill.score * _BAR_CELLS)
    bar = "█" * filled + "░" * (_BAR_CELLS - filled)
    text = Text(f"{bar} {skill.score:.2f}", style=_COLOURS[skill.level])
    interval = "" if skill.low is UNSET or skill.high is UNSET else f"{skill.low:.2f}–{skill.high:.2f}, "
    return text.append(f"\n{interval}{skill.confidence:.2f}", style="dim")


def _drivers(updates: Sequence[SkillUpdate]) -> Table:
    table = Table(title="What drove them", title_justify="left")
    for column in ("student", "surest score, by log-odds added", "evidence items"):
        table.add_column(column)
    for update in updates:
        if not update.skills:
            continue
        name, skill = max(update.skills.items(), key=lambda item: _sureness(item[1]))
        parts = ", ".join(
            f"{source} {part.status}" if part.status == "failed" else f"{source} {part.added:+.2f}"
            for source, part in skill.contributions.items()
        )
        parts = parts or "no score"
        evidence = ", ".join(f"{'+' if item.direction > 0 else '−'} {_fact(item.fact)}" for item in skill.evidence)
        cells = (printable(update.student_id), f"{name.replace('_', ' ')}: {parts}", evidence)
        table.add_row(*map(Text, cells))
    return table


def _sureness(skill: KnownSkill) -> tuple[float, int]:
    """Scores before profiles, the surer before the others."""
    return (-1.0, len(skill.evidence)) if isinstance(skill, SkillProfile) else (skill.confidence, 0)


def _fact(fact: str) -> str:
    return f"“{fact[1:]}”" if fact.startswith("~") else fact.replace("_", " ")


def _explained(explanation: Explanation) -> Panel:
    lines: list[Text] = [Text(printable(explanation.summary))] if explanation.summary else []
    for skill in explanation.skills:
        score = "" if skill.score is UNSET else f" {skill.score:.2f}"
        lines.append(Text(f"{skill.skill.replace('_', ' ')}{score}", style="bold"))
        lines += [Text(f"  {printable(claim.text)} [{', '.join(claim.evidence)}]") for claim in skill.claims]
    title = Text(f"An explanation of {printable(explanation.student_id)}, written by: {explanation.generator}")
    return Panel(Group(*lines), title=title, title_align="left")


def _accounts(figures: Figures) -> Table:
    table = Table(title="Where every event went", title_justify="left", show_header=False)
    for name in Figures.__struct_fields__:
        figure = getattr(figures, name)
        shown = ("yes" if figure else "NO") if isinstance(figure, bool) else f"{figure:,}"
        table.add_row(name.replace("_", " "), Text(shown, justify="right"))
    return table
