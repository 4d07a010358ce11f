"""Options that several commands have."""

from typing import Final

import click

from schemas.fusion_config import MAX_REASON_CHARS


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
reason_option: Final = click.option(
    "--reason", default="", callback=_allowed, help="Why, for the logs and the history."
)
