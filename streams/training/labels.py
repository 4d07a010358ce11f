"""Labels: a student's result, and the time up to which events may predict it. One line of `labels.csv` each."""

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from streams.training.errors import LabelsError

COLUMNS: Final = ("student", "skill", "as_of", "label")
MAX_FURTHER_COLUMNS: Final = 100
MAX_VALUE_CHARS: Final = 256
"""Of a further column: arrays of text are as wide as the longest."""
MAX_ORDINALS: Final = 6
"""With more labels a student, figures by which of them it is are too many to read."""


@dataclass(frozen=True, slots=True)
class Label:
    """`label` is 0 or 1, or a number between; only events up to and including `as_of_us` may speak of it.

    `columns` are the further columns of its row, by name: what it may be grouped by, never what it is predicted from.
    """

    student: str
    skill: str
    as_of_us: int
    label: float
    columns: tuple[tuple[str, str], ...] = ()


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


def ordinals_of(labels: Sequence[Label]) -> NDArray[np.int64]:
    """Which of its student's labels, by `as_of`, each one is; from 1."""
    as_ofs: defaultdict[str, set[int]] = defaultdict(set)
    for label in labels:
        as_ofs[label.student].add(label.as_of_us)
    ranks = {
        student: {as_of_us: rank for rank, as_of_us in enumerate(sorted(times), start=1)}
        for student, times in as_ofs.items()
    }
    return np.array([ranks[label.student][label.as_of_us] for label in labels])


def read_labels(path: Path, skills: Collection[str]) -> list[Label]:
    """Read a labels file. Raises OSError, and LabelsError naming the line.

    Columns after the four may have any name; a label of the same student, skill and time twice is refused. A byte order
    mark, which Excel writes, is no part of the first column's name.
    """
    rows = csv.reader(StringIO(_text(path), newline=""))
    try:
        labels = list(_labels(path, rows, skills))
    except csv.Error as error:
        raise LabelsError(f"{path}, line {rows.line_num}: {error}") from None
    if not labels:
        raise LabelsError(f"{path}: no labels")
    return labels


def _text(path: Path) -> str:
    stored = path.read_bytes()
    try:
        return stored.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = stored.count(b"\n", 0, error.start) + 1
        raise LabelsError(f"{path}, line {line}: no UTF-8 text ({error.reason})") from None


def _labels(path: Path, rows: Iterator[list[str]], skills: Collection[str]) -> Iterator[Label]:
    header = next(rows, [])
    _require_columns(path, header)
    more = header[len(COLUMNS) :]
    seen: dict[tuple[str, str, int], int] = {}
    for line, row in enumerate(rows, start=2):
        where = f"{path}, line {line}"
        if len(row) != len(header):
            raise LabelsError(f"{where}: {len(row)} columns, not {len(header)}")
        student, skill, as_of, label, *values = row
        if max(map(len, values), default=0) > MAX_VALUE_CHARS:
            raise LabelsError(f"{where}: a column has more than {MAX_VALUE_CHARS} characters: it names no group")
        if skill not in skills:
            raise LabelsError(f"{where}: no skill {skill!r}; the skill set has {', '.join(skills)}")
        as_of_us = _time_us(where, as_of)
        if (first := seen.setdefault((student, skill, as_of_us), line)) != line:
            raise LabelsError(f"{where}: {student} has a label of {skill} as of {as_of} already, in line {first}")
        columns = tuple(zip(more, values, strict=True))
        yield Label(student, skill, as_of_us, _outcome(where, label), columns)


def _require_columns(path: Path, header: list[str]) -> None:
    if tuple(header[: len(COLUMNS)]) != COLUMNS:
        raise LabelsError(
            f"{path}: its columns are {','.join(header)[:200]!r}; they must begin with {','.join(COLUMNS)!r}"
        )
    if len(header) - len(COLUMNS) > MAX_FURTHER_COLUMNS:
        raise LabelsError(
            f"{path}: {len(header) - len(COLUMNS):,} columns after {COLUMNS[-1]!r}; leave those that name no groups, "
            f"{MAX_FURTHER_COLUMNS} at most"
        )
    if "" in header or len(set(header)) < len(header):
        raise LabelsError(f"{path}: its columns are {','.join(header)[:200]!r}: each must have a name of its own")


def _time_us(where: str, text: str) -> int:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise LabelsError(f"{where}: as_of {text!r} is no RFC 3339 time") from None
    if moment.tzinfo is None:
        raise LabelsError(f"{where}: as_of {text!r} has no offset from UTC (as Z or +02:00)")
    return int(moment.timestamp() * 1e6)


def _outcome(where: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise LabelsError(f"{where}: label {text!r} is no number") from None
    if not 0 <= value <= 1:
        raise LabelsError(f"{where}: label {text}: it must be within 0 and 1; divide a score by the best there is")
    return value
