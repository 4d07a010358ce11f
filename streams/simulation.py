"""A simulated class: students with latent skills, and the events that such students might cause.

For demos, tests and load. It is not data: nothing is trained on it, nothing is claimed from it.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from schemas import event as e
from schemas.dialects import native

FIRST_MORNING: Final = datetime(2026, 1, 5, 8, tzinfo=UTC)
TERM: Final = timedelta(days=30)
_CONTROLS: Final = ("temperature", "light", "water")
_HIGH: Final = {
    "empathy": ("I am sorry to hear that, it must be hard for you.", "I can imagine how they feel."),
    "adaptability": ("That did not work, so I will try something else.", "We need a different approach here."),
    "problem_solving": ("I checked it step by step and found the pattern.", "I changed one at a time and it worked."),
    "self_regulation": ("My plan is to finish the draft on time.", "Next time I start earlier, that is my goal."),
    "resilience": ("It was hard but I kept trying.", "I won't give up, I will try again tomorrow."),
    "communication": ("Let me explain: for example, look at line two.", "In other words, the answer depends on x."),
    "collaboration": ("Good idea, let's work together on it.", "What do you think? We could split the task."),
}
_LOW: Final = {
    "empathy": ("Who cares, not my problem.",),
    "adaptability": ("I do it the same as always.",),
    "problem_solving": ("I just guessed, no idea.",),
    "self_regulation": ("I forgot to do it and ran out of time.",),
    "resilience": ("I give up, it is too hard.",),
    "communication": ("idk, whatever.",),
    "collaboration": ("I rather do it myself.",),
}
SKILLS: Final = tuple(_HIGH)


@dataclass(frozen=True, slots=True)
class SimulatedStudent:
    """A student and the latent skills (0-1) that its events are drawn from."""

    student_id: str
    skills: dict[str, float]


@dataclass(frozen=True, slots=True)
class SimulatedRecord:
    """What the platform would produce: a key and a value."""

    key: bytes
    value: bytes


def simulated_students(count: int, seed: int) -> list[SimulatedStudent]:
    """A class: a general ability and seven skills around it."""
    rng = Random(f"{seed}/students")
    made = []
    for number in range(count):
        ability = rng.gauss(0, 1)
        skills = {skill: 1 / (1 + math.exp(-(ability + rng.gauss(0, 1)))) for skill in SKILLS}
        made.append(SimulatedStudent(f"sim-{number:05d}", skills))
    return made


def simulate(count: int, events: int, seed: int, faults: float = 0.002, courses: int = 0) -> Iterator[SimulatedRecord]:
    """`events` records over one term, in order of time; a share `faults` of them is broken or a repeat. With
    `courses`, each student is in one of so many.
    """
    rng = Random(f"{seed}/events")
    people = simulated_students(count, seed)
    course_of = {one.student_id: f"course-{number % courses}" for number, one in enumerate(people if courses else ())}
    last: SimulatedRecord | None = None
    for number in range(events):
        who = rng.choice(people)
        if last is not None and rng.random() < faults:
            yield last if rng.random() < 0.5 else SimulatedRecord(last.key, last.value[: len(last.value) // 2])
            continue
        base = {
            "version": e.VERSION,
            "event_id": f"sim-{seed}-{number}",
            "student_id": who.student_id,
            "time": FIRST_MORNING + TERM * (number / events),
            "course_id": course_of.get(who.student_id),
        }
        event = rng.choices(_ACTS, _ODDS)[0](rng, who, base)
        last = SimulatedRecord(who.student_id.encode(), native.encode(event))
        yield last


def _attempt(rng: Random, who: SimulatedStudent, base: dict[str, Any]) -> e.NativeEvent:
    able, again = who.skills["problem_solving"], rng.random() < who.skills["resilience"] * 0.5
    score = min(max(rng.gauss(0.25 + 0.6 * able + 0.1 * again, 0.2), 0.0), 1.0)
    return e.Attempt(
        **base,
        item_id=f"item-{rng.randrange(200)}",
        score=round(score, 2),
        attempt=2 if again else 1,
        hints=rng.randrange(3) if rng.random() > able else 0,
        duration_s=round(rng.lognormvariate(3.5, 0.6), 1),
    )


def _failure(rng: Random, who: SimulatedStudent, base: dict[str, Any]) -> e.NativeEvent:
    return e.Failure(**base, item_id=f"item-{rng.randrange(200)}", gave_up=rng.random() > who.skills["resilience"])


def _control(rng: Random, who: SimulatedStudent, base: dict[str, Any]) -> e.NativeEvent:
    alone = rng.random() < who.skills["problem_solving"]
    moved = rng.sample(_CONTROLS, 1 if alone else 3)
    return e.Control(
        **base,
        task_id="greenhouse",
        controls={name: float(rng.choice((-2, -1, 1, 2)) if name in moved else 0) for name in _CONTROLS},
        changed=1 if alone else rng.randrange(1, 4),
        duration_s=round(rng.lognormvariate(2.0, 0.7), 1),
    )


def _submission(rng: Random, who: SimulatedStudent, base: dict[str, Any]) -> e.NativeEvent:
    days_early = rng.gauss(3 * who.skills["self_regulation"] - 1, 1)
    return e.Submission(
        **base,
        item_id=f"work-{rng.randrange(20)}",
        due=base["time"] + timedelta(days=days_early),
        score=round(min(max(rng.gauss(0.3 + 0.5 * who.skills["problem_solving"], 0.15), 0.0), 1.0), 2),
    )


def _message(rng: Random, who: SimulatedStudent, base: dict[str, Any]) -> e.NativeEvent:
    skill = rng.choice(SKILLS)
    text = rng.choice(_HIGH[skill] if rng.random() < who.skills[skill] else _LOW[skill])
    replies = rng.random() < who.skills["communication"]
    return e.Message(**base, text=text, in_reply_to=f"post-{rng.randrange(500)}" if replies else None)


def _reflection(rng: Random, who: SimulatedStudent, base: dict[str, Any]) -> e.NativeEvent:
    skill = rng.choice(("self_regulation", "resilience", "adaptability"))
    return e.Reflection(**base, text=rng.choice(_HIGH[skill] if rng.random() < who.skills[skill] else _LOW[skill]))


def _collaboration(rng: Random, who: SimulatedStudent, base: dict[str, Any]) -> e.NativeEvent:
    kind = rng.random() < who.skills["collaboration"]
    return e.Collaboration(**base, act=rng.choice(("helped", "answered", "agreed") if kind else ("asked", "disagreed")))


_ACTS: Final[tuple[Callable[[Random, SimulatedStudent, dict[str, Any]], e.NativeEvent], ...]] = (
    _attempt,
    _control,
    _submission,
    _message,
    _reflection,
    _collaboration,
    _failure,
    lambda rng, _who, base: e.Retry(**base, item_id=f"item-{rng.randrange(200)}"),
    lambda rng, _who, base: e.Session(**base, phase=rng.choice(("start", "end"))),
    lambda rng, _who, base: e.Media(**base, media_id=f"video-{rng.randrange(30)}", action="played"),
    lambda rng, _who, base: e.Navigation(**base, page=f"/page/{rng.randrange(50)}"),
)
_ODDS: Final = (30, 15, 5, 10, 2, 8, 5, 5, 5, 5, 10)
