"""`skillstream gateway`: the HTTP door for producers that speak no Kafka."""

import os

import click

from agents.cli.logs import log_to_stderr, own_stderr
from agents.cli.options import broker_option, config_option
from agents.config.settings import load_settings


@click.command(name="gateway")
@config_option
@broker_option
@click.option("--host", help="Address to listen at (SKILLSTREAM_GATEWAY_HOST).")
@click.option("--port", type=int, help="Port, 0 for any (SKILLSTREAM_GATEWAY_PORT).")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="SKILLSTREAM_LOG_FORMAT.")
def command(
    config: str | None,
    broker: str | None,
    host: str | None,
    port: int | None,
    log_format: str | None,
) -> None:
    """Take events over HTTP and put them on Kafka, until SIGTERM or SIGINT.

    POST /xapi/statements as an LRS's Statement resource, /caliper envelopes, /events NDJSON; gzip or not. What is
    answered with 2xx is acknowledged by all replicas in sync. Who may send is in the file that SKILLSTREAM_TENANTS
    names. docs/gateway.md has the rest.
    """
    settings = load_settings(
        os.environ,
        config,
        broker=broker,
        gateway_host=host,
        gateway_port=port,
        log_format=log_format,
        reasoning="off",
    )
    log_to_stderr(settings.log_level, settings.log_format, settings.log_lines_per_s)
    own_stderr(settings.log_format)
    from agents.gateway.run import run_gateway

    run_gateway(settings)
