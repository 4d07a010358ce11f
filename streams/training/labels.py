"""Labels: a student's result, and the time up to which events may predict it. One line of `labels.csv` each."""

import csv
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Final

from streams.training.errors import TrainingError

COLUMNS: Final = ("student", "skill", "as_of", "label")


@dataclass(frozen=True, slots=True)
class Label:
    """`label` is 0 or 1; only events up to and including `as_of_us` may speak of it."""

    student: str
    skill: str
    as_of_us: int
    label: int


@dataclass(frozen=True, slots=True)
class StudentGroups:
    """Who a student id stands for: the part that `pattern` finds, or all of it. One person, one side of any split."""

    pattern: re.Pattern[str] | None = None

    def of(self, student: str) -> str:
        """The person; the whole id where the pattern finds nothing."""
        found = self.pattern.search(student) if self.pattern else None
        return found.group(0) if found else student

    def held_out(self, student: str, share: float, seed: int) -> bool:
        """Whether this person is among the `share` (0-1) put aside; depends on nothing but id and seed."""
        digest = blake2b(f"{seed}/{self.of(student)}".encode(), digest_size=4).digest()
        return int.from_bytes(digest) < share * 2**32


def read_labels(path: Path, skills: Collection[str]) -> list[Label]:
    """Read a labels file. Raises OSError, and TrainingError naming the line."""
    with path.open(encoding="utf-8", newline="") as text:
        try:
            labels = list(_labels(path, csv.reader(text), skills))
        except (UnicodeDecodeError, csv.Error) as error:
            raise TrainingError(f"{path}: {error}") from None
    if not labels:
        raise TrainingError(f"{path}: no labels")
    return labels


def _labels(path: Path, rows: Iterator[list[str]], skills: Collection[str]) -> Iterator[Label]:
    if tuple(header := next(rows, [])) != COLUMNS:
        raise TrainingError(f"{path}: its columns are {','.join(header)[:200]!r}, not {','.join(COLUMNS)!r}")
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        if len(row) != len(COLUMNS):
            raise TrainingError(f"{where}: {len(row)} columns, not {len(COLUMNS)}")
        student, skill, as_of, label = row
        if skill not in skills:
            raise TrainingError(f"{where}: no skill {skill!r}; the skill set has {', '.join(skills)}")
        yield Label(student, skill, _time_us(where, as_of), _outcome(where, label))


def _time_us(where: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise TrainingError(f"{where}: as_of {text!r} is no RFC 3339 time") from None
    if moment.tzinfo is None:
        raise TrainingError(f"{where}: as_of {text!r} has no offset from UTC (as Z or +02:00)")
    return int(moment.timestamp() * 1e6)


def _outcome(where: str, text: str) -> int:
    try:
        value = float(text)
    except ValueError:
        raise TrainingError(f"{where}: label {text!r} is no number") from None
    if value not in (0.0, 1.0):
        raise TrainingError(f"{where}: label {text}: only 0 and 1 can be learnt from; cut a rating at a threshold")
    return int(value)
