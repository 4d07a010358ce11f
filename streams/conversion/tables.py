"""Reading a data set's tables: CSV, plain or gzip, row by row, with nothing passed over in silence."""

import csv
import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schemas.errors import SkillstreamError

Progress = Callable[[str], None]


class TableMissing(SkillstreamError):
    """A table that is not there or cannot be opened."""


class TableUnreadable(SkillstreamError):
    """A table that is not what its name says: wrong columns, broken archive, not text."""


class RowUnreadable(Exception):
    """One row that makes no sense; its reason is counted and the row passed over."""


@dataclass(slots=True)
class Tally:
    """Where every row went: `rows` read by table, `events` written by type, `labels`, `skipped` rows by reason.

    `location` is the file:line of the row that was read last, `first` that of the first skipped row, by reason.
    """

    rows: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    labels: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    notes: Counter[str] = field(default_factory=Counter)
    location: str = ""
    first: dict[str, str] = field(default_factory=dict)

    def skip(self, reason: str) -> None:
        """Pass over the row that was read last."""
        self.skipped[reason] += 1
        self.first.setdefault(reason, self.location)


@dataclass(frozen=True, slots=True)
class Tables:
    """The tables of one folder. `progress` hears a table's name at each of its rows."""

    folder: Path
    tally: Tally
    progress: Progress = lambda _table: None

    def rows(self, name: str, columns: Sequence[str], *, header: bool = True) -> Iterator[Sequence[str]]:
        """The rows of table `name`, each as long as `columns`, in their order; others are counted as skipped.

        Raises TableMissing and TableUnreadable, naming the file.
        """
        path = self._find(name)
        zipped = path.suffix == ".gz"
        opened = (gzip.open if zipped else open)(path, "rt", encoding="utf-8", newline="")
        try:
            with opened as text:
                lines = csv.reader(text)
                if header:
                    self._check_header(path, next(lines, []), columns)
                for row in lines:
                    self.tally.rows[name] += 1
                    self.tally.location = f"{path}:{lines.line_num}"
                    self.progress(name)
                    if len(row) == len(columns):
                        yield row
                    else:
                        self.tally.skip(f"{name}: not {len(columns)} columns")
        except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError, csv.Error) as error:
            raise TableUnreadable(f"{path}: {error}") from None

    def _find(self, name: str) -> Path:
        for path in (self.folder / f"{name}.csv.gz", self.folder / f"{name}.csv"):
            if path.is_file():
                return path
        raise TableMissing(f"{self.folder}: no {name}.csv.gz and no {name}.csv")

    def _check_header(self, path: Path, found: Sequence[str], expected: Sequence[str]) -> None:
        if list(found) != list(expected):
            raise TableUnreadable(f"{path}: its columns are {','.join(found)[:200]!r}, not {','.join(expected)!r}")
