"""`skillstream worker`: the program itself."""

import logging
import os
import sys

import click

from agents.cli.logs import log_to_stderr, own_stderr
from agents.cli.options import broker_option, config_option
from agents.cli.outcome import error_line, exit_code_of
from agents.config.proxy import proxy_rules
from agents.config.settings import Settings, load_settings, require_secrets
from agents.config.spending import require_spending
from schemas.errors import SkillstreamError

_UNEXPECTED = 1


@click.command(name="worker")
@config_option
@broker_option
@click.option("--reasoning", type=click.Choice(["openai", "scripted", "off"]), help="SKILLSTREAM_REASONING.")
@click.option("--web-port", type=int, help="Port of the web pages, 0 for any (SKILLSTREAM_WEB_PORT).")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="SKILLSTREAM_LOG_FORMAT.")
def command(
    config: str | None, broker: str | None, reasoning: str | None, web_port: int | None, log_format: str | None
) -> None:
    """Run one worker until SIGTERM or SIGINT, which drain it. Start more to share the partitions.

    Settings come from SKILLSTREAM_* and OPENAI_API_KEY, OPENAI_BASE_URL; the README lists them.
    """
    given = {"broker": broker, "reasoning": reasoning, "web_port": web_port, "log_format": log_format}
    try:
        settings = load_settings(os.environ, config, **given)
        require_secrets(settings)
        require_spending(settings)
        proxy_rules(settings)
    except SkillstreamError as error:
        if (log_format or os.environ.get("SKILLSTREAM_LOG_FORMAT")) != "json":
            raise
        log_to_stderr("info", "json")
        _end(exit_code_of(error), error_line(error))
    _run(settings)


def _run(settings: Settings) -> None:
    handler = log_to_stderr(settings.log_level, settings.log_format, settings.log_lines_per_s)
    own_stderr(settings.log_format)
    from agents.worker.worker import Worker

    try:
        worker = Worker(settings, handler)
        code = worker.run()
        why = worker.ended_because
    except SkillstreamError as error:
        code, why = exit_code_of(error), error_line(error)
    except Exception as error:  # so that the last line of the log says that it ended, and why
        logging.getLogger(__name__).critical("Unexpected error", exc_info=True)
        code, why = _UNEXPECTED, f"unexpected {type(error).__name__}"
    _end(code, why)


def _end(code: int, why: str) -> None:
    from agents.logs import lifecycle

    lifecycle.ended(code, why)
    sys.exit(code)
