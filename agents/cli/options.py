"""Options that several commands have."""

from typing import Final

import click

from agents.cli.parameters import Number
from schemas.fusion_config import MAX_REASON_CHARS

HOUR_US: Final = 3_600_000_000
MOST_HOURS: Final = 8_784


def _allowed(_ctx: click.Context, _param: click.Parameter, reason: str) -> str:
    if len(reason) > MAX_REASON_CHARS:
        raise click.UsageError(f"--reason has {len(reason)} characters, {MAX_REASON_CHARS} are allowed")
    return reason


config_option: Final = click.option(
    "--config", metavar="FILE", help="TOML file of settings; the environment wins over it."
)
broker_option: Final = click.option("--broker", help="Kafka's address (SKILLSTREAM_BROKER).")
mapping_option: Final = click.option(
    "--mapping", metavar="FILE", help="Of verbs and students' keys (SKILLSTREAM_MAPPING, docs/dialects.md)."
)
norms_every_option: Final = click.option(
    "--norms-every",
    default=24,
    show_default=True,
    type=Number(0, MOST_HOURS),
    metavar="HOURS",
    help="Where norms are read: publish them so often, by the events' time; 0 for none.",
)
reason_option: Final = click.option(
    "--reason", default="", callback=_allowed, help="Why, for the logs and the history."
)
