"""`skillstream worker`: the program itself."""

import logging
import os
import sys

import click

from agents.cli.logs import log_to_stderr
from agents.settings import load_settings, require_secrets


@click.command(name="worker")
@click.option("--config", metavar="FILE", help="TOML file of settings; the environment wins over it.")
@click.option("--broker", help="Kafka's address (SKILLSTREAM_BROKER).")
@click.option("--reasoning", type=click.Choice(["openai", "scripted", "off"]), help="SKILLSTREAM_REASONING.")
@click.option("--web-port", type=int, help="Port of the web pages, 0 for any (SKILLSTREAM_WEB_PORT).")
def command(config: str | None, broker: str | None, reasoning: str | None, web_port: int | None) -> None:
    """Run one worker until SIGTERM or SIGINT, which drain it. Start more to share the partitions.

    Settings come from SKILLSTREAM_* and OPENAI_API_KEY, OPENAI_BASE_URL; the README lists them.
    """
    settings = load_settings(os.environ, config, broker=broker, reasoning=reasoning, web_port=web_port)
    require_secrets(settings)
    log_to_stderr(settings.log_level)
    logging.getLogger(__name__).info("Starting: broker %s, reasoning %s", settings.broker, settings.reasoning)
    from agents.worker import Worker  # imports Faust, which takes a second: after the settings are known to be good

    sys.exit(Worker(settings).run())
