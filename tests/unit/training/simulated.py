"""A simulated class for training: half of it varies one control at a time, and those mostly solve the task."""

import random
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from streams.replay import FileRecord
from streams.training.labels import Label
from tests.events import NOW, raw, record

STUDENTS: Final = 240
ACTIONS: Final = 12
CONTROLS: Final = ("top", "central", "bottom")


def lines(seed: int = 1, students: int = STUDENTS, **fields: Any) -> list[bytes]:
    """Events of all students in the order of their times: one action a minute. All have these `fields`."""
    rng = random.Random(seed)
    noted = []
    for minute in range(ACTIONS):
        for number in range(students):
            off = 1 if rng.random() < (0.8 if careful(number) else 0.2) else 2
            settings = {name: float(place < off) for place, name in enumerate(rng.sample(CONTROLS, 3))}
            given: dict[str, Any] = {"controls": settings, "changed": off, "duration_s": rng.uniform(1, 30)}
            noted.append(raw("control", f"s{number}", minute=minute, **given, **fields))
    return noted


def careful(number: int) -> bool:
    """Whether student `number` varies one thing at a time."""
    return number % 2 == 0


def solved(number: int) -> int:
    """The label: as the student works, but for one in ten."""
    return int(careful(number) != (number % 20 in (3, 8)))


def as_of_us(minute: float) -> int:
    """A time of the class's day."""
    return int((NOW + timedelta(minutes=minute)).timestamp() * 1e6)


def labels(minute: float = ACTIONS - 1, students: int = STUDENTS) -> list[Label]:
    """Everybody's label, as of the last action."""
    return [Label(f"s{number}", "problem_solving", as_of_us(minute), solved(number)) for number in range(students)]


def records(noted: list[bytes]) -> list[FileRecord]:
    """The events as records."""
    return [record(value, offset) for offset, value in enumerate(noted)]


def write(folder: Path, students: int = STUDENTS) -> tuple[Path, Path]:
    """The class as files: events, labels."""
    events, outcomes = folder / "events.jsonl", folder / "labels.csv"
    events.write_bytes(b"\n".join(lines(students=students)) + b"\n")
    as_of = (NOW + timedelta(minutes=ACTIONS - 1)).isoformat()
    rows = [f"s{number},problem_solving,{as_of},{solved(number)}" for number in range(students)]
    outcomes.write_text("\n".join(["student,skill,as_of,label", *rows]) + "\n")
    return events, outcomes
