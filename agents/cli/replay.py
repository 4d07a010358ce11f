"""`skillstream replay`: the pure pipeline over files, with no Kafka."""

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
import msgspec
import orjson
from rich.console import Console
from rich.table import Table

from agents.cli.bad_lines import BadLines
from agents.cli.console import stderr, stdout
from agents.cli.event_files import NO_LINE, STANDARD, open_output, read_lines
from agents.cli.line_records import LineRecord, in_order_of_time, records_of_now
from agents.cli.options import HOUR_US, MOST_HOURS, config_option, mapping_option
from agents.cli.override_file import read_overrides
from agents.cli.parameters import Number, must_differ
from agents.config.dialects import courses_of, decoder_of
from agents.config.models import artifact_of
from agents.config.settings import load_settings
from schemas.catalogue import encode_entry
from schemas.dialects import Record
from streams.norms.offline import OfflineNorms
from streams.pipeline import Pipeline
from streams.replay import NormedReplay, Replay, batches
from streams.rows.row import MAX_COMPONENTS_PER_STUDENT
from streams.rows.row_batch import RowBatch
from streams.scoring.mastery_list import MasteryList
from streams.skills.skills_file import load_skills

_MASTERY_DIGITS: Final = 6
"""Behind the point, in a file for whoever evaluates; updates have fewer."""


@click.command(name="replay")
@click.argument("files", nargs=-1, required=True)
@click.option(
    "--out", metavar="FILE", help="Write the skill updates here, one a line (.gz: compressed; - is standard output)."
)
@click.option("--dead-letters", metavar="FILE", help="Write what could not be read here, one a line; likewise.")
@click.option("--mastery", metavar="FILE", help="Write all knowledge components of each student here; likewise.")
@click.option("--catalogue", metavar="FILE", help="Write the entry of skill-catalogue that the updates name here.")
@config_option
@click.option("--skills", help="Skill set (SKILLSTREAM_SKILLS).")
@click.option("--model", help="Model artifact (SKILLSTREAM_MODEL).")
@click.option("--fusion-config", metavar="FILE", help="Overrides, as `skillstream config set FILE` takes them.")
@mapping_option
@click.option(
    "--norms-every",
    default=0,
    show_default=True,
    type=Number(0, MOST_HOURS),
    metavar="HOURS",
    help="Take events in the order of their times, and put norms in force so often, as workers do; 0 for neither.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as one JSON object.")
def command(
    files: tuple[str, ...],
    out: str | None,
    dead_letters: str | None,
    mastery: str | None,
    catalogue: str | None,
    config: str | None,
    skills: str | None,
    model: str | None,
    fusion_config: str | None,
    mapping: str | None,
    norms_every: float,
    as_json: bool,
) -> None:
    """Replay events from FILES (plain or gzip, one event a line; - is standard input).

    Settings are the workers', so that events have the same results here. With - for --out, --dead-letters,
    --mastery or --catalogue, these go to standard output, and the summary to standard error.
    """
    must_differ(out=out, dead_letters=dead_letters, mastery=mastery, catalogue=catalogue)
    settings = load_settings(os.environ, config, skills=skills, model=model, mapping=mapping, reasoning="off")
    pipeline = Pipeline(
        load_skills(settings.skills),
        artifact_of(settings),
        on_failure=_report,
        decode=decoder_of(settings),
        known_ids=settings.known_ids,
        components=settings.components_per_student,
    )
    if fusion_config is not None:
        pipeline.scorer = pipeline.scorer_with(read_overrides(Path(fusion_config)))
    lists = MasteryList.of(pipeline.artifact, pipeline.skill_set.names)
    if mastery is not None and lists is None:
        raise click.UsageError("--mastery needs a model with an item bank: see docs/mastery.md")
    records, bad = records_of_now(read_lines(files, quiet=as_json)), BadLines(quiet=as_json)
    replay, taken = _replayed(pipeline, records, round(norms_every * HOUR_US), courses_of(settings.mapping))
    with ExitStack() as stack:
        updates = _open(stack, out, files)
        rejected = _open(stack, dead_letters, files)
        components = _open(stack, mastery, files)
        if (entry := _open(stack, catalogue, files)) is not None:
            entry.write(encode_entry(pipeline.scorer.catalogue_entry) + b"\n")
        _run(replay, taken, updates, rejected, bad)
        if components is not None and lists is not None:
            components.writelines(_all_components(replay, lists, pipeline.skill_set.names))
    bad.tell_of_the_rest("" if dead_letters else "; --dead-letters FILE has them all")
    _print(summary(replay), as_json, to=stderr if STANDARD in (out, dead_letters, mastery, catalogue) else stdout)


def _replayed(
    pipeline: Pipeline, records: Iterator[LineRecord], every_us: int, courses: dict[str, str]
) -> tuple[Replay, Iterator[Sequence[Record]]]:
    """What takes the records, and the batches in which it does; under norms where these are made at all."""
    if not every_us:
        return Replay(pipeline), batches(records)
    replay = NormedReplay(pipeline, OfflineNorms(every_us, courses), every_us)
    return replay, replay.in_periods(in_order_of_time(records, pipeline.decode))


def summary(replay: Replay) -> dict[str, Any]:
    """What `replay` reports; counts are of events, `read` of lines."""
    counts = replay.counts
    figures = {
        "read": counts.records_in,
        "applied": counts.applied,
        "ignored": counts.ignored,
        "duplicates": counts.duplicates,
        "dead_lettered": counts.dead_lettered,
        "late": counts.late,
        "beyond_horizon": counts.beyond_horizon,
        "students": len(replay.rows),
        "updates": replay.updates,
        "reasons": dict(sorted(counts.reasons.items())),
    }
    if counts.unread_texts:
        figures["unread_texts"] = dict(sorted(counts.unread_texts.items()))
    if counts.components_given_up:
        figures["components_given_up"] = counts.components_given_up
    if counts.tolerated:
        figures["tolerated"] = {" ".join(rule): events for rule, events in sorted(counts.tolerated.items())}
    return figures


def _run(
    replay: Replay,
    taken: Iterator[Sequence[Record]],
    updates_to: BinaryIO | None,
    rejected_to: BinaryIO | None,
    bad: BadLines,
) -> None:
    """Lines are read outside of the event loop, so that an interrupt also ends a read that waits."""
    with asyncio.Runner() as runner:
        for batch in taken:
            result = runner.run(replay.feed(batch))
            if updates_to is not None:
                updates_to.writelines(update + b"\n" for update in result.updates.values())
            for record, dead_letter in result.dead_letters:
                line = record.line if isinstance(record, LineRecord) else NO_LINE
                bad.note(line, dead_letter.reason, dead_letter.error)
                if rejected_to is not None:
                    original = (record.value or b"").decode("utf-8", "backslashreplace")
                    origin = {"file": line.file, "line": line.number}
                    shown = {**msgspec.to_builtins(dead_letter), **origin, "value": original}
                    rejected_to.write(orjson.dumps(shown) + b"\n")


def _all_components(replay: Replay, lists: MasteryList, skills: tuple[str, ...]) -> Iterator[bytes]:
    """A line a student, in the order in which they came."""
    students = ((key, row) for partition in replay.rows.partitions() for key, row in replay.rows.items(partition))
    for part in batches(students):
        rows = RowBatch.of([row for _, row in part], skills)
        lists_of_rows = lists.components(rows, MAX_COMPONENTS_PER_STUDENT, _MASTERY_DIGITS)
        for (key, _), texts in zip(part, lists_of_rows, strict=True):
            yield b'{"student_id":%b,"mastery":[%b]}\n' % (orjson.dumps(key.decode()), texts)


def _open(stack: ExitStack, name: str | None, files: tuple[str, ...]) -> BinaryIO | None:
    return None if name is None else stack.enter_context(open_output(name, files))


def _report(source: str, error: BaseException) -> None:
    stderr.print(f"source {source} failed: {error!r}", markup=False)


def _print(figures: dict[str, Any], as_json: bool, *, to: Console) -> None:
    if as_json:
        to.print(orjson.dumps(figures).decode(), soft_wrap=True)
        return
    table = Table("", "", show_header=False, box=None)
    for name, figure in figures.items():
        table.add_row(
            name, ", ".join(f"{k} {v}" for k, v in figure.items()) if isinstance(figure, dict) else str(figure)
        )
    to.print(table)
