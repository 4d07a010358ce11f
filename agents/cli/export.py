"""`skillstream export`: scores in a flat form, for a warehouse or a spreadsheet."""

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from datetime import datetime
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import click

from agents.audit.commands import audited
from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import stderr
from agents.cli.event_files import STANDARD, open_whole_output, read_lines
from agents.cli.line_records import records_of_now
from agents.cli.options import broker_option, config_option, mapping_option
from agents.cli.outcome import CHECK_FAILED
from agents.cli.override_file import read_overrides
from agents.cli.parameters import PointInTime, must_differ
from agents.cli.progress import Headway
from agents.cli.stages import say
from agents.config.settings import Settings, load_settings
from agents.operations.export.content_hashes import content_hashes
from agents.operations.export.files import FileFormat, RowFile, row_file
from agents.operations.export.flat import COMPONENT_TABLE, SKILL_TABLE, FlatTable, component_rows, skill_rows
from agents.operations.export.published import PublishedUpdates
from agents.operations.export.refolded import RefoldedUpdates
from schemas.update import SkillUpdate
from streams.replay import batches

_UPDATES_AT_ONCE: Final = 2_000
_Write = Callable[[Iterable[SkillUpdate]], None]


@click.command(name="export")
@click.argument("files", nargs=-1)
@click.option("--parquet", "file_format", flag_value="parquet", help="Write Parquet; needs the extra `parquet`.")
@click.option("--csv", "file_format", flag_value="csv", help="Write CSV.")
@click.option("--jsonl", "file_format", flag_value="jsonl", help="Write JSON, an object a line.")
@click.option(
    "--out",
    default=STANDARD,
    metavar="FILE",
    help="One row a student and skill (.gz: compressed); else to standard output.",
)
@click.option("--components", metavar="FILE", help="One row a student and knowledge component, in the same format.")
@click.option("--as-of", type=PointInTime(), metavar="TIME", help="As it was then, from the events up to it.")
@config_option
@broker_option
@click.option("--skills", help="With --as-of or FILES: skill set (SKILLSTREAM_SKILLS).")
@click.option("--model", help="With --as-of or FILES: model artifact (SKILLSTREAM_MODEL).")
@click.option("--fusion-config", metavar="FILE", help="With --as-of or FILES: overrides, as `config set FILE` takes.")
@mapping_option
def command(
    files: tuple[str, ...],
    file_format: FileFormat | None,
    out: str,
    components: str | None,
    as_of: datetime | None,
    config: str | None,
    broker: str | None,
    skills: str | None,
    model: str | None,
    fusion_config: str | None,
    mapping: str | None,
) -> None:
    """Write the newest scores of all students in a flat form: one row a student and skill.

    They are those of skill-updates. With --as-of they are made anew, from the events of the input topic that had
    happened by then; with FILES from the events in these (as `replay` reads them). docs/warehouses.md has the columns.

    Exit code 1: it is written, but for records that cannot be read. A file appears when it is whole.
    """
    if file_format is None:
        raise click.UsageError("name a format: --parquet, --csv or --jsonl")
    if file_format == "parquet" and STANDARD in (out, components):
        raise click.UsageError("--parquet needs --out FILE: Parquet is no stream")
    if file_format == "parquet" and find_spec("pyarrow") is None:
        raise click.UsageError("--parquet needs pyarrow: pip install 'skillstream[parquet]'")
    must_differ(out=out, components=components)
    write = partial(_write, files, file_format, out, components)
    of_refolding = {"skills": skills, "model": model, "mapping": mapping}
    if files or as_of is not None:
        settings = load_settings(os.environ, config, broker=broker, reasoning="off", **of_refolding)
        overrides = None if fusion_config is None else read_overrides(Path(fusion_config))
        updates = RefoldedUpdates(settings, as_of, overrides, _report)
        if files:
            unread = _write_refolded(updates, files, write)
        else:
            with audited(settings, "export", detail="student-activity") as act:
                unread = _write_refolded(updates, files, write)
                act.detail = f"student-activity, {_hashes(out, components)}"
    else:
        if given := [name for name, value in {**of_refolding, "fusion-config": fusion_config}.items() if value]:
            raise click.UsageError(f"--{given[0]} needs --as-of or FILES: what is published was scored before")
        settings = load_broker_settings(config, broker)
        with audited(settings, "export", detail="skill-updates") as act:
            unread = _write_published(settings, write)
            act.detail = f"skill-updates, {_hashes(out, components)}"
    if unread:
        say(f"{unread:,} records, or parts of them, cannot be read: they are not in it")
        sys.exit(CHECK_FAILED)


def _hashes(*names: str | None) -> str:
    return content_hashes(None if name == STANDARD else Path(name) for name in names if name is not None)


def _write_published(settings: Settings, write: _Write) -> int:
    """Write what `skill-updates` has; how many records cannot be read."""
    with Headway("reading skill-updates", None) as progress:
        updates = PublishedUpdates(settings, progress.tell)
        write(updates)
    return updates.unread


def _write_refolded(updates: RefoldedUpdates, files: Sequence[str], write: _Write) -> int:
    """Write what events come to, of files or of the input topic; how many cannot be read."""
    if files:
        write(updates.of_records(records_of_now(read_lines(files))))
    else:
        with Headway("folding student-activity", None) as progress:
            write(updates.of_topic(progress.tell))
    if updates.begins_late:
        partitions = ", ".join(map(str, updates.begins_late))
        say(
            f"partitions {partitions} of student-activity do not begin at their first record: what is gone is not in it"
        )
    return updates.dead_lettered


def _write(
    inputs: Sequence[str], file_format: FileFormat, out: str, components: str | None, updates: Iterable[SkillUpdate]
) -> None:
    """Write the rows of the updates, and say of how many students."""
    students = 0
    with ExitStack() as stack:

        def opened(name: str, table: FlatTable) -> RowFile:
            output = stack.enter_context(open_whole_output(name, inputs))
            return stack.enter_context(row_file(output, file_format, table))

        skills = opened(out, SKILL_TABLE)
        beside = None if components is None else opened(components, COMPONENT_TABLE)
        for some in batches(updates, _UPDATES_AT_ONCE):
            students += len(some)
            skills.write([row for update in some for row in skill_rows(update)])
            if beside is not None:
                beside.write([row for update in some for row in component_rows(update)])
    say(f"{students:,} students")


def _report(source: str, error: BaseException) -> None:
    stderr.print(f"source {source} failed: {error!r}", markup=False)
