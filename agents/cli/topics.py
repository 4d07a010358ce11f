"""`skillstream topics`: make the topics, or see whether those that are there will do."""

import sys
from collections.abc import Iterable, Sequence
from typing import Final

import click
from rich.table import Table
from rich.text import Text

from agents.cli.broker_settings import load_broker_settings
from agents.cli.fitted_table import print_fitted
from agents.cli.group import CommandGroup
from agents.cli.options import broker_option, config_option
from agents.cli.outcome import CHECK_FAILED
from agents.kafka.topics import TopicSpec, ensure_topics, try_topics
from agents.operations.doctor.topics import Surveyed, specs_of, survey

_SHOWN: Final = ("cleanup.policy", "retention.ms", "min.compaction.lag.ms", "max.message.bytes")


@click.group(name="topics", cls=CommandGroup)
def command() -> None:
    """Make the topics that workers need, or check those that are there."""


@command.command()
@config_option
@broker_option
@click.option("--dry-run", is_flag=True, help="Only say what would be made; the broker judges whether it could be.")
def create(config: str | None, broker: str | None, dry_run: bool) -> None:
    """Make the topics that are missing, as a worker would at its start."""
    settings = load_broker_settings(config, broker)
    specs = specs_of(settings)
    missing = try_topics(settings.broker, specs, settings.start_timeout_s)
    if not dry_run:
        ensure_topics(settings.broker, specs, settings.start_timeout_s)
    said = "would be made" if dry_run else "made"
    _print(_specs_table(specs, {spec.name for spec in missing}, said))


@command.command()
@config_option
@broker_option
def check(config: str | None, broker: str | None) -> None:
    """Compare the topics with what they must be. Exit code 1: one is missing, or is not as it must be."""
    settings = load_broker_settings(config, broker)
    surveyed = survey(settings, settings.start_timeout_s)
    _print(_surveyed_table(surveyed))
    for line in _mends(surveyed):
        click.echo(line)
    if any(each.topic is None or each.deviations for each in surveyed):
        sys.exit(CHECK_FAILED)


def _mends(surveyed: Iterable[Surveyed]) -> Iterable[str]:
    """What to run or do, a line each."""
    if any(each.topic is None for each in surveyed):
        yield "skillstream topics create"
    for each in surveyed:
        yield from (deviation.advice for deviation in each.deviations if deviation.advice)
        if each.mend:
            yield each.mend


def _specs_table(specs: Sequence[TopicSpec], missing: set[str], said: str) -> Table:
    table = Table("topic", "partitions", "replicas", *_SHOWN, "")
    for spec in specs:
        config = [spec.config.get(name, "") for name in _SHOWN]
        outcome = Text(said, style="green") if spec.name in missing else Text("is there")
        table.add_row(spec.name, str(spec.partitions), str(spec.replication), *config, outcome)
    return table


def _surveyed_table(surveyed: Sequence[Surveyed]) -> Table:
    table = Table("topic", "partitions", "replicas", *_SHOWN, "")
    for each in surveyed:
        topic = each.topic
        if topic is None:
            table.add_row(each.spec.name, "", "", *("" for _ in _SHOWN), Text("missing", style="red"))
            continue
        what = "\n".join(deviation.what for deviation in each.deviations)
        outcome = Text(what, style="red") if what else Text("ok", style="green")
        config = [topic.config.get(name, "") for name in _SHOWN]
        table.add_row(topic.name, str(topic.partitions), str(topic.replication), *config, outcome)
    return table


def _print(table: Table) -> None:
    print_fitted(table)
