"""`skillstream dead-letters`: see what could not be read, and send it back once it can be."""

import os
import re
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

import click
import orjson
from rich.table import Table

from agents.audit.commands import audited
from agents.cli.console import print_prose, stdout
from agents.cli.dead_letter_page import one_line, page_of, table_of
from agents.cli.fitted_table import print_fitted
from agents.cli.group import CommandGroup
from agents.cli.parameters import Since
from agents.cli.progress import Headway
from agents.config.settings import Settings, load_settings
from agents.display.plain import printable
from agents.kafka.topics import require_broker
from agents.operations.dead_letters.replay import Policy, Summary
from agents.operations.dead_letters.selection import all_dead_letters, chosen, counted, dead_letter_at, newest
from agents.operations.dead_letters.session import ReplaySession, dead_letters_reader
from schemas.errors import SkillstreamError

_PLACE: Final = re.compile(r"(\d{1,9})@(\d{1,18})")
_ROWS: Final = 50


class StoppedAt(SkillstreamError):
    """A replay stopped at a dead letter that still cannot be read."""


class NothingLeft(SkillstreamError):
    """A dead letter is redacted."""


class _Place(click.ParamType):
    name = "partition@offset"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """`3@17`, as `list` prints it."""
        found = _PLACE.fullmatch(str(value))
        if found is None:
            self.fail(f"{value!r} is not PARTITION@OFFSET, such as 3@17", param, ctx)
        return int(found[1]), int(found[2])


def _of_broker(function: Callable[..., None]) -> Callable[..., None]:
    function = click.option("--broker", help="Kafka's address (SKILLSTREAM_BROKER).")(function)
    return click.option("--config", metavar="FILE", help="TOML file of settings; the environment wins.")(function)


_reasons = click.option("--reason", "reasons", multiple=True, help="Only these; give it again for another.")


@click.group(name="dead-letters", cls=CommandGroup)
def command() -> None:
    """See what could not be read, and send it back to its topic once it can be."""


@command.command(name="list")
@_of_broker
@_reasons
@click.option("--since", type=Since(), help="Only those written since: 30m, 2h, 7d ago, or a time.")
@click.option("--limit", type=click.IntRange(0), help=f"So many, the newest.  [default: {_ROWS}; with --json all]")
@click.option("--json", "in_json", is_flag=True, help="Print one JSON object a line.")
def list_dead_letters(
    config: str | None,
    broker: str | None,
    reasons: tuple[str, ...],
    since: datetime | None,
    limit: int | None,
    in_json: bool,
) -> None:
    """List dead letters: how many by reason, where each came from and why."""
    counts, redacted = Counter[str](), Counter[bool]()
    since_ms = since.timestamp() * 1000 if since else 0.0
    with dead_letters_reader(_settings(config, broker)) as reader:
        dead_letters = counted(chosen(all_dead_letters(reader), reasons, since_ms), counts, redacted)
        if in_json:
            for stored in dead_letters if limit is None else newest(dead_letters, limit):
                click.echo(one_line(stored))
            return
        rows = newest(dead_letters, _ROWS if limit is None else limit)
    said = ", ".join(f"{printable(reason)} {count}" for reason, count in counts.most_common())
    print_prose(f"{sum(counts.values())} dead letters{': ' if said else ''}{said}")
    if redacted[True]:
        print_prose(f"redacted, which cannot be sent back: {redacted[True]}")
    if rows:
        print_fitted(table_of(rows))


@command.command(name="show")
@_of_broker
@click.option("--raw", is_flag=True, help="Write the original bytes of the value, and nothing else.")
@click.argument("place", type=_Place(), metavar="PARTITION@OFFSET")
def show_dead_letter(config: str | None, broker: str | None, raw: bool, place: tuple[int, int]) -> None:
    """Show one dead letter whole: headers, key, and value, as JSON or in hexadecimal."""
    with dead_letters_reader(_settings(config, broker)) as reader:
        stored = dead_letter_at(reader, *place)
    if raw and stored.is_redacted:
        raise NothingLeft(f"dead letter {stored.location} is redacted: of its value nothing is left but a keyed hash")
    if raw:
        sys.stdout.buffer.write(stored.value or b"")
        sys.stdout.buffer.flush()
    else:
        click.echo(page_of(stored))


@command.command(name="replay")
@_of_broker
@click.option(
    "--policy",
    type=click.Choice(["stop", "reinsert", "drop"]),
    default="stop",
    show_default=True,
    help="At one that still cannot be read: stop before it, reinsert it all the same, or drop it and go on.",
)
@_reasons
@click.option("--dry-run", is_flag=True, help="Say what would become of them; send nothing, note nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "in_json", is_flag=True, help="Print the summary as one JSON object.")
def replay_dead_letters(
    config: str | None,
    broker: str | None,
    policy: Policy,
    reasons: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    in_json: bool,
) -> None:
    """Send dead letters back to the topic they came from, as they were, from where the last replay ended.

    Each is sent once, whenever this is killed and however often it is run. Exit code 1 when it stopped at one.
    """
    if not (dry_run or yes or sys.stdin.isatty()):
        raise click.UsageError("there is nobody to ask: say --yes, or --dry-run")
    settings = _settings(config, broker)
    with dead_letters_reader(settings) as reader:
        session = ReplaySession(settings, reader)
        waiting = session.waiting()
        if not (dry_run or yes):
            click.confirm(f"Send back up to {waiting} dead letters (policy {policy})?", abort=True, err=True)
        with Headway("dead letters", waiting, quiet=in_json) as progress:
            if dry_run:
                summary = session.dry_run(policy, reasons, progress.advance)
            else:
                with audited(settings, "replay_dead_letters", detail=f"policy {policy}") as act:
                    summary = session.run(policy, reasons, progress.advance)
                    act.detail += f", {summary.reinserted} reinserted"
    _report(summary, dry_run=dry_run, in_json=in_json)


def _settings(config: str | None, broker: str | None) -> Settings:
    settings = load_settings(os.environ, config, broker=broker)
    require_broker(settings.broker, settings.start_timeout_s)
    return settings


def _report(summary: Summary, *, dry_run: bool, in_json: bool) -> None:
    if in_json:
        click.echo(orjson.dumps({"dry_run": dry_run, **asdict(summary)}))
    else:
        table = Table("", "", show_header=False, box=None, pad_edge=False)
        for name in ("read", "reinserted", "still_bad", "dropped", "left", "repeats", "forgotten", "redacted"):
            table.add_row(name.replace("_", " "), str(getattr(summary, name)))
        stdout.print("What a replay would do:" if dry_run else "Replayed:")
        stdout.print(table)
    if summary.stopped_at is not None:
        raise StoppedAt(
            f"{'would stop' if dry_run else 'stopped'} at dead letter {printable(summary.stopped_at)}. "
            "With --policy drop, those that still cannot be read are passed over"
        )
