"""Cards about what comes out: how students are spread over the levels, and explanations with what they cost."""

from html import escape
from typing import Final

from agents.dashboard.bars import spent_bar, stacked
from agents.dashboard.group import GroupView
from agents.dashboard.markup import facts, nothing, pill, table
from agents.dashboard.numbers import amount, dollars, percent, seconds
from agents.dashboard.titles import title_of

_PROFILE: Final = "profile"
_LEVEL_ORDER: Final = ("proficient", "developing", "emerging", "unknown", _PROFILE)
_MEANINGS: Final = {"unknown": "too little is known", _PROFILE: "a profile, no score"}


def skills(group: GroupView) -> str:
    """Each skill's levels, as shares of the students of whom something is known."""
    shares = group.skills
    if not shares.skills:
        return nothing("No student has a score yet.")
    scored = {skill: levels for skill, levels in shares.skills.items() if levels.keys() != {_PROFILE}}
    there = [level for level in _LEVEL_ORDER if any(each.get(level) for each in scored.values())]
    key = "".join(f'<li><i class="{level}"></i>{escape(_MEANINGS.get(level, level))}</li>' for level in there)
    rows = "".join(
        f"<dt>{escape(title_of(skill))}</dt><dd>{stacked(title_of(skill), levels, _LEVEL_ORDER)}</dd>"
        for skill, levels in sorted(scored.items(), key=lambda each: (-each[1].get("proficient", 0), each[0]))
    )
    drawn = f'<ul class="key">{key}</ul><dl class="levels">{rows}</dl>' if scored else ""
    profiles = ", ".join(title_of(skill) for skill in sorted(shares.skills.keys() - scored.keys()))
    without = nothing(f"Profiles, without scores: {profiles}.") if profiles else ""
    whom = "all" if shares.sampled >= shares.students else f"{amount(shares.sampled)} of"
    looked_at = nothing(f"Of {whom} {amount(shares.students)} students, looked at within the last minute.")
    return drawn + without + looked_at


def reasoning(group: GroupView) -> str:
    """What is left to spend, who waits, and who wrote the explanations."""
    now = group.reasoning
    if now.mode == "off":
        return nothing("Reasoning is off: scores come without explanations (SKILLSTREAM_REASONING).")
    problem = f"<p>{pill('degraded', 'degraded')} {escape(now.problem)}</p>" if now.problem else ""
    limits = [
        (escape(limit), f"{percent(max(0.0, 1 - used))} left", spent_bar(used))
        for limit, used in sorted(now.budget.items())
    ]
    budget = table("Budget", ("limit", "budget", "spent"), limits, numbers=(1,), drawn=(2,)) if limits else ""
    pairs = [
        ("written by", escape(now.mode)),
        ("waiting", f"{amount(now.pending)}{_oldest(now.oldest_pending_s)}"),
        ("calls under way", amount(now.in_flight)),
        ("spent", dollars(now.spend_usd)),
        ("calls that the limits admitted", amount(now.granted)),
        *((f"refused by {bucket}", amount(calls)) for bucket, calls in now.refused.items() if calls),
        *((f"explanations: {by}", amount(made)) for by, made in now.explanations.items() if made),
        ("given up for lack of budget", amount(now.given_up)),
    ]
    return problem + budget + facts(pairs)


def _oldest(waits_s: float | None) -> str:
    return "" if waits_s is None else f' <span class="soft">the oldest for {seconds(waits_s)}</span>'
