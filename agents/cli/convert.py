"""`skillstream convert`: a real data set, or a log of one's own, as events."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import click
import orjson
from rich.table import Table

from agents.cli.console import stderr, stdout
from agents.cli.convert_csv import command as csv_command
from agents.cli.group import CommandGroup
from agents.cli.outcome import OutOfReach
from agents.cli.parameters import MAX_COUNT, NewFolder
from agents.cli.progress import Headway
from agents.display.plain import plain
from streams.conversion.assistments import convert_assistments
from streams.conversion.empathy import convert_empathy
from streams.conversion.oulad import convert_oulad
from streams.conversion.pisa import convert_pisa
from streams.conversion.tables import TableMissing, Tables, Tally
from streams.conversion.training_set import TrainingSet

_CONVERSIONS: Final[dict[str, Callable[..., TrainingSet]]] = {
    "pisa": convert_pisa,
    "oulad": convert_oulad,
    "assistments": convert_assistments,
    "empathy": convert_empathy,
}


_HELP: Final = {
    "pisa": "Convert PISA 2012's 'climate control': actions and outcomes.",
    "oulad": "Convert the Open University's data: submissions and enrolments.",
    "assistments": "Convert ASSISTments 2009 or 2015: attempts, without labels.",
    "empathy": "Convert Empathic Reactions: messages and ratings.",
}
_OPTIONS: Final = {
    "assistments": (
        click.Option(
            ["--students-a-day"],
            type=click.IntRange(1, MAX_COUNT),
            metavar="N",
            help="Let so many students begin on each day, and answer in ten seconds each; by default all on the first.",
        ),
    )
}


@click.group(name="convert", cls=CommandGroup)
def command() -> None:
    """Turn a real data set into events and labels, or a CSV file of one's own into events."""


def _data_set(source: str) -> click.Command:
    """The command that converts the data set `source`."""

    @click.command(
        name=source,
        help=f"{_HELP[source]} DIR holds its tables, plain or gzip.",
        params=list(_OPTIONS.get(source, ())),
    )
    @click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
    @click.option("--out", required=True, type=NewFolder(), metavar="DIR", help="Where the files go.")
    @click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
    def convert(folder: Path, out: Path, as_json: bool, **given: Any) -> None:
        try:
            converted = _convert(source, folder, given, quiet=as_json)
            written = converted.write(out)
        except TableMissing as error:
            raise OutOfReach(str(error)) from None
        except OSError as error:
            raise OutOfReach(f"{error.filename or folder}: {error.strerror or error}") from None
        if not as_json:
            _tell_of_skipped(converted.tally)
        _print(_figures(converted.tally), written, as_json)

    return convert


for each in _CONVERSIONS:
    command.add_command(_data_set(each))
command.add_command(csv_command)


def _convert(source: str, folder: Path, given: Mapping[str, Any], *, quiet: bool) -> TrainingSet:
    with Headway("reading rows", None, quiet=quiet) as progress:
        return _CONVERSIONS[source](Tables(folder, Tally(), lambda _table: progress.advance()), **given)


def _figures(tally: Tally) -> dict[str, Any]:
    counts = {"rows": tally.rows, "events": tally.events, "skipped": tally.skipped, "notes": tally.notes}
    return {**{name: dict(+counter) for name, counter in counts.items()}, "labels": tally.labels}


def _tell_of_skipped(tally: Tally) -> None:
    """Say where the first row is that was passed over for each reason."""
    for reason, location in tally.first.items():
        rows = tally.skipped[reason]
        others = f", and {rows - 1:,} more" if rows > 1 else ""
        stderr.print(plain(f"{location}: {reason}: passed over{others}"), markup=False, soft_wrap=True)


def _print(tally: dict[str, Any], written: list[Path], as_json: bool) -> None:
    if as_json:
        stdout.print(orjson.dumps(tally).decode(), soft_wrap=True)
        return
    table = Table("", "", "", show_header=False, box=None)
    for heading in ("rows", "events", "skipped", "notes"):
        for name, count in tally[heading].items():
            table.add_row(heading, name, f"{count:,}")
    table.add_row("labels", "", f"{tally['labels']:,}")
    stdout.print(table)
    stdout.print(f"written: {', '.join(map(str, written))}", soft_wrap=True)
