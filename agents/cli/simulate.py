"""`skillstream simulate`: a simulated class's events, to a broker or a file."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Final

import click

from agents.cli.console import stderr
from agents.cli.event_files import open_output
from agents.cli.options import config_option
from agents.cli.parameters import Number
from agents.cli.progress import Headway
from agents.config.channels import Channels
from agents.config.settings import Settings, load_settings
from agents.demo.feeding import feed
from agents.kafka.topics import ensure_topics
from streams.input.partitioner import partitioner
from streams.simulation import SimulatedRecord, simulate

_NAMES: Final = frozenset(("SKILLSTREAM_BROKER", "SKILLSTREAM_CONFIG"))


@click.command(name="simulate")
@click.option("--students", default=200, show_default=True, type=click.IntRange(1, 10_000_000))
@click.option("--events", default=20_000, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True, help="The same seed, the same class.")
@click.option("--faults", default=0.002, show_default=True, type=Number(0, 1), help="Broken or repeated.")
@click.option("--rate", type=Number(min=0, min_open=True), help="Events a second; without: all at once.")
@config_option
@click.option("--broker", help="Send to this Kafka, host:port,… (SKILLSTREAM_BROKER).")
@click.option("--out", metavar="FILE", help="Write to this file instead (.gz: compressed; - is standard output).")
def command(
    students: int,
    events: int,
    seed: int,
    faults: float,
    rate: float | None,
    config: str | None,
    broker: str | None,
    out: str | None,
) -> None:
    """Write the events of a simulated class, to Kafka or a file. For trying things out, not for training."""
    if broker is not None and out is not None:
        raise click.UsageError("--broker and --out are two places: name one")
    if out is None and not (
        broker or config or os.environ.get("SKILLSTREAM_CONFIG") or "SKILLSTREAM_BROKER" in os.environ
    ):
        raise click.UsageError("where to? Name --broker (or set SKILLSTREAM_BROKER), or --out FILE")
    records = simulate(students, events, seed, faults)
    with Headway("simulating", events) as progress:
        if out is not None:
            if rate is not None:
                raise click.UsageError("--rate is for a broker")
            _write(records, out, progress.advance)
        else:
            settings = load_settings(os.environ, config, broker=broker, reasoning="off")
            sent = send(settings, records, rate, progress.advance)
            stderr.print(
                f"sent {sent} simulated events to {Channels.of(settings).activity} at {settings.broker}", markup=False
            )


def send(
    settings: Settings, records: Iterator[SimulatedRecord], rate: float | None, advance: Callable[[int], None]
) -> int:
    """Make the topics where they are missing and feed the simulated records to them."""
    channels = Channels.of(settings)
    ensure_topics(settings.broker, channels.specs(settings), settings.start_timeout_s)
    owning_partition = partitioner(settings.partitioner).owning_partition
    return feed(
        settings.broker,
        channels.activity,
        ((record.key, record.value) for record in records),
        lambda key: owning_partition(key, settings.partitions) or 0,
        rate=rate,
        advance=advance,
    )


def _write(records: Iterator[SimulatedRecord], out: str, advance: Callable[[], None]) -> None:
    with ExitStack() as stack:
        target = stack.enter_context(open_output(out))
        for record in records:
            target.write(record.value + b"\n")
            advance()
