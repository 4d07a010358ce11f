"""What is known of a student, as cards: what changed, scores over time, mastery by component, what was counted."""

from collections.abc import Sequence
from datetime import date, timedelta
from html import escape
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType

from agents.dashboard.bars import bar
from agents.dashboard.intervals import ScorePoint, interval_said, over_time, track
from agents.dashboard.markup import card, nothing, pill, table
from agents.dashboard.titles import title_of
from schemas.history import ScoreOfWeek, SkillHistory
from schemas.student_answer import DescribedEvidence, DescribedIndicator, DescribedSkill, StudentAnswer
from schemas.update import ComponentMastery

_T = TypeVar("_T")
_STEADY: Final = 0.02
_SHOWN_EVIDENCE: Final = 5
_WEEK: Final = timedelta(days=7)


def changes(answer: StudentAnswer) -> str:
    """What moved since the week before, and what drove it, in words."""
    if not answer.changed:
        return nothing("No score moved noticeably since the week before.")
    said = []
    for each in answer.changed:
        verb, sign = ("rose", "▲") if each.after > each.before else ("fell", "▼")
        evidence = answer.skills[each.skill].evidence if each.skill in answer.skills else []
        cause = ""
        if each.because is not None and each.because <= len(evidence):
            cause = f", most of all for this: {_evidence(evidence[each.because - 1])}"
        said.append(
            f'<li><span aria-hidden="true">{sign}</span> <b>{escape(title_of(each.skill))}</b> {verb} from '
            f"{each.before:.2f} to {each.after:.2f}{cause}</li>"
        )
    return f'<ul class="said">{"".join(said)}</ul>'


def score_cards(answer: StudentAnswer, history: SkillHistory | None) -> list[str]:
    """A card a skill that has a score, the highest first."""
    scored = [(name, skill) for name, skill in answer.skills.items() if skill.score is not UNSET]
    scored.sort(key=lambda each: -_known(each[1].score, 0.0))
    weeks = history.skills if history is not None else {}
    return [
        card(f"skill-{at}", title_of(name), _score(answer, name, skill, weeks.get(name, [])), about=skill.definition)
        for at, (name, skill) in enumerate(scored)
    ]


def profiles(answer: StudentAnswer) -> str:
    """What was counted of each skill, without a score."""
    if answer.behaviour is None:
        return nothing("What was counted could not be looked up in time: reload the page.")
    counted = {name: indicators for name, indicators in answer.behaviour.items() if indicators}
    if not counted:
        return nothing("Nothing has been counted yet.")
    rows = [(escape(title_of(name)), *_indicator(each)) for name, indicators in counted.items() for each in indicators]
    return table("What was counted", ("skill", "what", "how often", "share", "lately"), rows, drawn=(3,))


def components(mastery: Sequence[ComponentMastery] | UnsetType) -> str:
    """How likely the next answer in each knowledge component is right."""
    if mastery is UNSET or not mastery:
        return nothing("The model has no item bank, or no answer was given yet.")
    rows = [
        (
            escape(each.component),
            f"{each.p:.2f}",
            track(each.component, each.p, each.low, each.high),
            str(each.n),
            _lately(each.trend),
        )
        for each in mastery
    ]
    columns = ("component", "mastery", "with its interval", "answers", "lately")
    return table("Mastery by knowledge component", columns, rows, numbers=(1, 3))


def _score(answer: StudentAnswer, name: str, skill: DescribedSkill, weeks: Sequence[ScoreOfWeek]) -> str:
    score, low, high = _known(skill.score, 0.0), _known(skill.low, None), _known(skill.high, None)
    thresholds = {"developing": answer.levels.developing, "proficient": answer.levels.proficient}
    as_of = date.fromisoformat(answer.as_of[:10])
    points = [ScorePoint(date.fromisoformat(each.week), each.score, each.low, each.high) for each in weeks]
    points = [point for point in points if point.day + _WEEK <= as_of]  # the week under way is today's score
    points.append(ScorePoint(as_of, score, low, high))
    level = _known(skill.level, "unknown")
    notes = [f"confidence {_known(skill.confidence, 0.0):.2f}"]
    notes.append("checked against outcomes" if skill.validated is True else "not checked against outcomes")
    if skill.out_of_range is True:
        notes.append("the model saw no student like this one")
    evidence = "".join(f"<li>{_evidence(each)}</li>" for each in skill.evidence[:_SHOWN_EVIDENCE])
    listed = f'<ul class="said">{evidence}</ul>' if evidence else ""
    return (
        f'<p class="score"><b>{score:.2f}</b> <span class="level"><i class="{escape(level)}"></i>{escape(level)}</span>'
        f'<span class="soft">{escape(interval_said(low, high).removeprefix(", "))}</span></p>'
        f"{track(title_of(name), score, low, high, list(thresholds.values()))}"
        f'<p class="about">{escape("; ".join(notes))}</p>'
        f"{over_time(title_of(name), points, thresholds)}"
        f"{f'<p>{escape(skill.rests_on)}</p>' if skill.rests_on else ''}"
        f"{listed}"
    )


def _evidence(each: DescribedEvidence) -> str:
    kind = pill("against", "degraded") if each.against else pill("for", "ok")
    task = f" ({escape(each.task)})" if each.task is not UNSET else ""
    return f'{kind} {escape(each.text)}{task} <time class="soft">{escape(each.time[:10])}</time>'


def _indicator(each: DescribedIndicator) -> tuple[str, ...]:
    share = each.count / each.of if each.of else 0.0
    what = escape(each.text or title_of(each.name))
    return what, f"{each.count:g} of {each.of:g}", bar(share, "first"), _lately(each.trend)


def _lately(trend: float) -> str:
    if abs(trend) < _STEADY:
        return "as before"
    return f"{'▲ more' if trend > 0 else '▼ less'} ({trend:+.0%})".replace("-", "−")


def _known(value: _T | UnsetType, otherwise: _T) -> _T:
    return otherwise if isinstance(value, UnsetType) else value
