"""`skillstream convert csv`: a log of one's own, row by row, as native events."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import orjson
from rich.console import Console
from rich.table import Table

from agents.cli.bad_lines import BadLines
from agents.cli.console import stderr, stdout
from agents.cli.event_files import STANDARD, Line, open_text, open_whole_output
from agents.cli.outcome import OutOfReach
from schemas.dialects.native import encode
from schemas.event import NativeEvent
from streams.conversion.csv_events import CsvEvents, CsvRow, HeaderUnreadable
from streams.conversion.csv_mapping import CsvMapping
from streams.conversion.tables import TableUnreadable

_SHOWN: Final = 5


@click.command(name="csv")
@click.argument("file", metavar="FILE")
@click.option(
    "--mapping", required=True, metavar="FILE", type=click.Path(path_type=Path), help="Which column is what: TOML."
)
@click.option(
    "--out", metavar="FILE", help="Write the events here, one a line (.gz: compressed; - is standard output)."
)
@click.option("--dry-run", is_flag=True, help=f"Write nothing: show the first {_SHOWN} events, and what is wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print the counts as one JSON object.")
def command(file: str, mapping: Path, out: str | None, dry_run: bool, as_json: bool) -> None:
    """Turn a CSV FILE (plain or gzip; - is standard input) into native events, by a mapping: see docs/producing.md.

    A row that cannot be read is passed over, and named with its line and column. Exit code 2 where no row comes to an
    event; then no file is written.
    """
    if dry_run == (out is not None):
        raise click.UsageError("say where the events go, --out FILE, or --dry-run: one of the two")
    reader, counts = CsvEvents(_read_mapping(mapping)), RowCounts()
    bad = BadLines(quiet=as_json)
    to = stderr if out == STANDARD else stdout
    if out is None:
        _convert(_rows(reader, file, as_json), counts, bad, file, _shown_first(quiet=as_json))
    else:
        with open_whole_output(out, [file]) as output:
            _convert(_rows(reader, file, as_json), counts, bad, file, _written_to(output))
            counts.require_events(file)
    bad.tell_of_the_rest()
    counts.require_events(file)
    counts.print(as_json, to)


class RowCounts:
    """Where every row went."""

    def __init__(self) -> None:
        self.events: Counter[str] = Counter()
        self.rows = self.passed_over = self.unreadable = 0

    def note(self, row: CsvRow) -> None:
        """One more row."""
        self.rows += 1
        if row.wrong:
            self.unreadable += 1
        elif row.event is None:
            self.passed_over += 1
        else:
            self.events[str(type(row.event).__struct_config__.tag)] += 1

    def require_events(self, file: str) -> None:
        """Raise TableUnreadable where no row became an event."""
        if not self.events:
            raise TableUnreadable(
                f"{file}: no row is an event: of {self.rows:,}, {self.unreadable:,} cannot be read, and "
                f"{self.passed_over:,} fit no [[events]] of the mapping. Nothing was written"
            )

    def print(self, as_json: bool, to: Console) -> None:
        """Rows, and events by type."""
        figures = {"rows": self.rows, "unreadable": self.unreadable, "passed_over": self.passed_over}
        if as_json:
            to.print(orjson.dumps({**figures, "events": dict(self.events)}).decode(), soft_wrap=True)
            return
        table = Table("", "", show_header=False, box=None)
        for name, count in {**figures, **{f"events: {type}": n for type, n in self.events.items()}}.items():
            table.add_row(name, f"{count:,}")
        to.print(table)


def _read_mapping(path: Path) -> CsvMapping:
    """Raises OutOfReach, TableUnreadable."""
    try:
        return CsvMapping.read(path.read_text("utf-8"))
    except OSError as error:
        raise OutOfReach(f"{path}: {error.strerror}") from None
    except ValueError as error:
        raise TableUnreadable(f"{path}: {error}") from None


def _rows(reader: CsvEvents, file: str, quiet: bool) -> Iterator[CsvRow]:
    """Raises OutOfReach, TableUnreadable."""
    with open_text(file, reader.encoding, quiet=quiet) as text:
        try:
            yield from reader.read(text)
        except (HeaderUnreadable, csv.Error, UnicodeError) as error:
            raise TableUnreadable(f"{file}: {error}") from None


def _convert(
    rows: Iterator[CsvRow], counts: RowCounts, bad: BadLines, file: str, take: Callable[[NativeEvent], Any]
) -> None:
    for row in rows:
        counts.note(row)
        if row.wrong:
            bad.note(Line(file, row.line, b""), "unreadable row", row.wrong)
        elif row.event is not None:
            take(row.event)


def _written_to(output: BinaryIO) -> Callable[[NativeEvent], Any]:
    return lambda event: output.write(encode(event) + b"\n")


def _shown_first(*, quiet: bool) -> Callable[[NativeEvent], None]:
    shown = 0

    def show(event: NativeEvent) -> None:
        nonlocal shown
        shown += 1
        if shown <= _SHOWN and not quiet:
            click.echo(encode(event))

    return show
