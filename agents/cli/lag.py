"""`skillstream lag`: how far the workers are behind, whether any runs or not."""

import asyncio
import sys
from contextlib import nullcontext
from datetime import UTC, datetime

import click
import orjson
from rich.live import Live

from agents.cli.broker_settings import load_broker_settings
from agents.cli.console import stdout
from agents.cli.lag_table import lag_line, lag_page
from agents.cli.options import broker_option, config_option
from agents.cli.outcome import CHECK_FAILED
from agents.cli.parameters import Number
from agents.config.settings import Settings
from agents.health.lag import Lag, LagBounds


@click.command(name="lag")
@config_option
@broker_option
@click.option(
    "--for",
    "for_s",
    metavar="SECONDS",
    type=Number(min=0, max=86_400),
    help="Look again and again for so long: what a status other than OK needs.",
)
@click.option("--watch", is_flag=True, help="Show every look: in place on a terminal, else a line each.")
@click.option(
    "--every",
    "every_s",
    default=5.0,
    show_default=True,
    metavar="SECONDS",
    type=Number(min=0.1, max=3_600),
    help="Between two looks.",
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --watch, one a line and look.")
def command(
    config: str | None, broker: str | None, for_s: float | None, watch: bool, every_s: float, as_json: bool
) -> None:
    """Show how far the workers are behind: records and seconds by partition, who owns it, and whether it moves.

    Asks the broker alone: no worker need run, and nothing is changed. The status is Burrow's (OK, WARN, STOP, STALL,
    REWIND; ERR of the whole): with one look only OK of what nothing waits for. Exit code 1: the last status is ERR, or
    more is behind than SKILLSTREAM_LAG_FAILING_RECORDS or SKILLSTREAM_LAG_FAILING_S allow, or it is not known any more.
    """
    settings = load_broker_settings(config, broker)
    lag = asyncio.run(_show(settings, for_s, every_s, watch=watch, as_json=as_json))
    sys.stdout.flush()
    if lag.problem is not None or lag.status == "ERR" or LagBounds.of(settings).is_failing(lag):
        sys.exit(CHECK_FAILED)


async def _show(settings: Settings, for_s: float | None, every_s: float, *, watch: bool, as_json: bool) -> Lag:
    """Show what there is to be shown until `for_s` have passed; the last look."""
    from agents.operations.lag import lag_looks

    if for_s is None and not watch:
        for_s = 0.0
    redraws = watch and stdout.is_terminal and not as_json
    with Live(console=stdout, auto_refresh=False) if redraws else nullcontext() as live:
        async for lag in lag_looks(settings, every_s, for_s):
            if live is not None:
                live.update(lag_page(settings.app_id, lag, stdout.width), refresh=True)
            elif watch:
                now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
                click.echo(_json(settings, lag, at=now) if as_json else f"{now} {lag_line(lag)}")
                sys.stdout.flush()
    if not watch:
        if as_json:
            click.echo(_json(settings, lag))
        else:
            stdout.print(lag_page(settings.app_id, lag, stdout.width))
    return lag


def _json(settings: Settings, lag: Lag, **more: str) -> bytes:
    return orjson.dumps({**more, "group": settings.app_id, **lag.as_json()})
