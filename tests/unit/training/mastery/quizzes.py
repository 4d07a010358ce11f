"""A simulated class that answers quizzes of two components: how hard they and their items are is known."""

import asyncio
import random
from collections.abc import Callable, Sequence
from math import exp
from pathlib import Path
from typing import Any, Final

from schemas.dialects import decode
from streams.event_record import event_pipeline
from streams.skills.skills_file import load_skills
from streams.training.mastery.collection import Collection
from streams.training.mastery.walk import Histories, Round, walk
from tests.events import raw, record

STUDENTS: Final = 120
ANSWERS: Final = 26
EASINESS: Final = {"angles": 0.8, "fractions": -0.8}
DAY: Final = 24 * 60
"""In minutes."""
ITEMS: Final = 8
"""Of each component: the first is the hardest."""


def lines(students: int = STUDENTS, answers: int = ANSWERS, seed: int = 1) -> list[bytes]:
    """Attempts in the order of their times; every student has an ability, and learns nothing."""
    return _attempts(students, answers, seed, lambda _student, minute: minute)


def in_turn(students_a_day: int, students: int = STUDENTS, answers: int = ANSWERS, seed: int = 1) -> list[bytes]:
    """The same answers of students who come one after the other, so many a day, the last of them today."""
    last = (students - 1) // students_a_day
    return _attempts(students, answers, seed, lambda student, minute: (student // students_a_day - last) * DAY + minute)


def _attempts(students: int, answers: int, seed: int, minute_of: Callable[[int, int], int]) -> list[bytes]:
    rng = random.Random(seed)
    ability = [rng.gauss(0, 1) for _ in range(students)]
    found = []
    for minute in range(answers):
        for student in range(students):
            component, item = rng.choice(list(EASINESS)), rng.randrange(ITEMS)
            log_odds = ability[student] + EASINESS[component] + 2.0 * item / (ITEMS - 1) - 1.0
            right = float(rng.random() < 1 / (1 + exp(-log_odds)))
            given: dict[str, Any] = {"item_id": f"{component}-{item}", "score": right, "kcs": [component]}
            found.append(raw("attempt", f"s{student:03}", minute=minute_of(student, minute), **given))
    return found


def histories_of(values: Sequence[bytes]) -> Histories:
    """The histories in these events."""
    return Histories.of([record(value, offset) for offset, value in enumerate(values)], decode)


def rounds_of(values: Sequence[bytes], most: int = 1_000) -> list[Round]:
    """All rounds of a walk through these events."""

    async def walked() -> list[Round]:
        found = walk(histories_of(values), event_pipeline(load_skills("mastery")), most, lambda _done, _of: None)
        return [each async for each in found]

    return asyncio.run(walked())


def collected(values: Sequence[bytes]) -> Collection:
    """What training collects of these events."""
    collection = Collection([history.student for history in histories_of(values).of_students])
    for each in rounds_of(values):
        collection.take(each)
    return collection


def write(folder: Path, values: Sequence[bytes]) -> Path:
    """The events as a file."""
    events = folder / "events.jsonl"
    events.write_bytes(b"\n".join(values) + b"\n")
    return events
