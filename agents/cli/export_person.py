"""`skillstream export-person`: everything that is held of a student, in one file."""

from datetime import UTC, datetime
from pathlib import Path

import click
import orjson
from rich.table import Table

from agents.audit.commands import audited
from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import stderr
from agents.cli.explain import checked_student
from agents.cli.fitted_table import print_fitted
from agents.cli.options import broker_option, config_option
from agents.display.plain import printable
from agents.operations.export.content_hashes import content_hashes
from agents.operations.held.document import HeldOfStudent, sizes_of_parts
from agents.operations.identities import keys_of_student
from schemas.audit import MOST_ABOUT


@click.command(name="export-person")
@click.argument("student", callback=checked_student)
@config_option
@broker_option
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="The file; without, standard output.")
def command(student: str, config: str | None, broker: str | None, out: Path | None) -> None:
    """Write all that the topics hold of STUDENT, the key of a student's events, as one JSON document.

    The events as they came, the row in words, the last update, history and explanation, records of attention, dead
    letters under that key, and what became of requests to erase. How much there is of each is said beside it. All
    topics are read from their beginning, once for each key that the topic `identities` gives to the student; no worker
    needs to run.
    """
    settings = load_broker_settings(config, broker)
    keys = keys_of_student(settings, student)
    with audited(settings, "export_person", about=keys[:MOST_ABOUT]) as act:
        documents = {key: HeldOfStudent(settings, key).document() for key in keys}
        exported_at = datetime.now(UTC).isoformat(timespec="seconds")
        written = orjson.dumps({"exported_at": exported_at, "keys": documents}, option=orjson.OPT_INDENT_2) + b"\n"
        if out is None:
            click.echo(written, nl=False)
        else:
            out.write_bytes(written)
        act.detail = f"all of one student, {content_hashes([out])}"
    table = Table("key", "what", "records")
    for key, document in documents.items():
        for name, count in sizes_of_parts(document).items():
            table.add_row(printable(key), name.replace("_", " "), str(count))
    print_fitted(table, stderr)
