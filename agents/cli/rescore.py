"""`skillstream rescore`: have all students scored by the weights and thresholds in force, without an event."""

from collections import Counter

import click
import msgspec
import orjson

from agents.audit.commands import audited
from agents.cli.broker_settings import load_broker_settings
from agents.cli.options import broker_option, config_option, reason_option
from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.display.plain import printable
from agents.fusion_config.deployed import DeployedConfig
from agents.kafka.reader import read_to_end


class _Named(msgspec.Struct):
    """Of an update, what made it."""

    config_version: str


@click.command(name="rescore")
@config_option
@broker_option
@reason_option
@click.option("--dry-run", is_flag=True, help="Only count the students whose last update names another configuration.")
@click.option("--json", "as_json", is_flag=True, help="With --dry-run: print one JSON object.")
def command(config: str | None, broker: str | None, reason: str, dry_run: bool, as_json: bool) -> None:
    """Ask the workers to score all students by the configuration in force, once, and to publish their updates.

    Without it a changed configuration applies at a student's next event. Workers do it beside their events, at most
    SKILLSTREAM_RESCORE_STUDENTS_PER_S each; --dry-run says how far they have come.
    """
    settings = load_broker_settings(config, broker)
    deployed = DeployedConfig(settings)
    if dry_run:
        _show(deployed.config_version(deployed.overrides), _students(settings), as_json=as_json)
        return
    with audited(settings, "rescore", detail=f"config_version {deployed.config_version(deployed.overrides)}"):
        deployed.request_rescoring(reason)
    click.echo("Written. Workers score all students now; --dry-run says how far they have come.")


def _show(in_force: str, students: Counter[str], *, as_json: bool) -> None:
    if as_json:
        click.echo(orjson.dumps({"config_version": in_force, "students": dict(students)}))
        return
    others = students.total() - students[in_force]
    click.echo(f"{students.total()} students have an update; {others} do not name {in_force}, which is in force.")
    for version, count in students.most_common():
        click.echo(f"  {printable(version)}: {count}")


def _students(settings: Settings) -> Counter[str]:
    """How many students' last updates name which configuration."""
    last: dict[bytes, str] = {}
    for message in read_to_end(settings.broker, Channels.of(settings).updates):
        key, value = message.key() or b"", message.value()
        last.pop(key, None)
        if value is not None:
            try:
                last[key] = msgspec.json.decode(value, type=_Named).config_version
            except (msgspec.MsgspecError, UnicodeError):
                continue  # nothing of ours
    return Counter(last.values())
