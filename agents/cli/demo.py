"""`skillstream demo`: see it all at once."""

import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
import msgspec
import orjson
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cli.bad_lines import BadLines
from agents.cli.console import stderr, stdout
from agents.cli.event_files import read_lines
from agents.cli.outcome import CHECK_FAILED
from agents.config.dialects import decoder_of
from agents.config.models import artifact_of
from agents.config.settings import load_settings
from agents.demo.companion import settings_of_events
from agents.demo.figures import show
from agents.demo.run import Demo, DemoResult, Keyed, OpenDemo
from agents.display.plain import printable
from schemas.dialects import Decode
from streams.replay import FileRecord
from streams.simulation import simulate
from streams.skills.skills_file import load_skills

_SHOWN_DIFFERENCES = 5
_LOOK_AROUND = """\
The worker's pages: {0.url}   (Ctrl-C ends the demo)
For students' pages (sign in with the reader's token), queries, inference and commands, in another terminal:
  export SKILLSTREAM_BROKER={0.broker}
  export SKILLSTREAM_READER_TOKEN={0.reader_token}
  export SKILLSTREAM_INFERENCE_TOKEN={0.inference_token}"""


@click.command(name="demo")
@click.option("--students", default=200, show_default=True, type=click.IntRange(1, 100_000))
@click.option("--events", default=20_000, show_default=True, type=click.IntRange(1, 1_000_000))
@click.option("--seed", default=1, show_default=True, help="The same seed, the same class.")
@click.option("--input", "input_file", metavar="FILE", help="Events of your own, one a line, instead of the class.")
@click.option(
    "--config", metavar="FILE", help="TOML file of settings; those that decide what becomes of an event hold."
)
@click.option("--skills", help="Skill set.")
@click.option("--model", help="Model artifact.")
@click.option("--mapping", metavar="FILE", help="Of verbs and students' keys (docs/dialects.md).")
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line.")
@click.option("--stay", is_flag=True, help="Keep running, with the web pages, until Ctrl-C.")
def command(
    students: int,
    events: int,
    seed: int,
    input_file: str | None,
    config: str | None,
    skills: str | None,
    model: str | None,
    mapping: str | None,
    as_json: bool,
    stay: bool,
) -> None:
    """Run a broker, a worker and a simulated class here, and show what comes out.

    Nothing needs to be installed, nothing is kept. The demo checks itself: the worker's table must equal an offline
    replay of the same events, or the exit code is 1.
    """
    settings = settings_of_events(load_settings({}, config, skills=skills, model=model, mapping=mapping))
    decode = decoder_of(settings)
    load_skills(settings.skills)  # and the next: so that what is wrong with them is said here, not by the worker
    artifact_of(settings)
    if input_file is None:
        stderr.print(f"A simulated class of {students} students, {events} events, seed {seed}")
        records: list[Keyed] = [(record.key, record.value) for record in simulate(students, events, seed)]
    else:
        records = _own_records(input_file, decode)
    with _progress() as tell:
        outcome = Demo(settings, records, tell).run(_wait_for_people if stay else None)
    _report(outcome, as_json)


def _report(outcome: DemoResult, as_json: bool) -> None:
    show(stderr if as_json else stdout, outcome.figures, outcome.updates, outcome.explanations)
    if as_json:
        click.echo(orjson.dumps(msgspec.to_builtins(outcome.figures)))
    if not outcome.figures.state_matches_replay:
        stderr.print("[bold red]The worker's state differs from an offline replay of the same events[/]")
        for difference in outcome.differences[:_SHOWN_DIFFERENCES]:
            said = printable(f"  partition {difference.partition}, {difference.student}: {difference.what}")
            stderr.print(said, markup=False)
        sys.exit(CHECK_FAILED)


def _own_records(file: str, decode: Decode) -> list[Keyed]:
    """A file's lines as they are to be sent, after a word on those that will not be read."""
    bad, records = BadLines(quiet=False), list[Keyed]()
    now_ms = time.time_ns() // 1_000_000
    for offset, line in enumerate(read_lines([file])):
        records.append((_key_of(line.text), line.text))
        for wrong in decode(FileRecord(offset, now_ms, line.text)).invalid:
            bad.note(line, wrong.reason, wrong.error)
    bad.tell_of_the_rest()
    return records


def _key_of(line: bytes) -> bytes | None:
    """The key that a platform would have given the record: its student's id; none where it cannot be read."""
    try:
        student = orjson.loads(line)["student_id"]
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None
    return student.encode() if isinstance(student, str) else None


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    columns = (TextColumn("{task.description:<30}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr, disable=not stderr.is_terminal) as progress:
        tasks: dict[str, int] = {}

        def tell(stage: str, done: int, of: int) -> None:
            if stage not in tasks:
                for former in tasks.values():
                    progress.update(progress.task_ids[former], completed=progress.tasks[former].total)
                tasks[stage] = len(tasks)
                progress.add_task(stage, total=of)
                if not stderr.is_terminal:
                    stderr.print(f"{stage} …")
            progress.update(progress.task_ids[tasks[stage]], completed=done)

        yield tell


def _wait_for_people(opened: OpenDemo) -> None:
    stopped = threading.Event()
    former = signal.signal(signal.SIGINT, lambda *_: stopped.set())
    former_term = signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    click.echo(_LOOK_AROUND.format(opened), err=True)  # as it is: an export broken into lines cannot be pasted
    stopped.wait()
    signal.signal(signal.SIGINT, former)
    signal.signal(signal.SIGTERM, former_term)
