"""`make chaos`: break things, and see whether every event is still accounted for."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import orjson

from tests.chaos.experiment import EXPERIMENTS
from tests.chaos.experiments import SEED
from tests.chaos.result import summary
from tests.chaos.scene import Playbill
from tests.chaos.suite import Suite
from tests.former import NoSuchCommit, checked_out
from tests.servers.redis import RealRedis


@click.command(name="chaos")
@click.option("--rounds", type=click.IntRange(1), default=20, show_default=True, help="Blows an experiment; 1 for CI.")
@click.option("--seed", type=int, default=SEED, show_default=True, help="Decides the classes and the moments.")
@click.option("--only", default="", metavar="NAME,...", help="Not all, but these.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Experiments at once.")
@click.option("--patience", type=click.FloatRange(0.1), default=1.0, show_default=True, help="Stretches all deadlines.")
@click.option("--before", default="", metavar="COMMIT", help="What `rolling-upgrade` upgrades from.")
@click.option("--list", "listing", is_flag=True, help="Name the experiments, and run none.")
def main(rounds: int, seed: int, only: str, jobs: int, patience: float, before: str, listing: bool) -> None:
    """Break the broker, the workers, the disks and the logs; ends with 1 when an event is unaccounted for."""
    if listing:
        for one in EXPERIMENTS.values():
            click.echo(f"{one.name:<28}{one.what}")
        return
    names = [name.strip() for name in only.split(",") if name.strip()] or list(EXPERIMENTS)
    if unknown := set(names) - EXPERIMENTS.keys():
        raise click.UsageError(f"no such experiment: {', '.join(sorted(unknown))}; --list names them")
    # SIGTERM unwinds like an exit, so that everything started is stopped.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    click.echo(f"{len(names)} experiments, seed {seed}, rounds {rounds}, {jobs} at once")
    with _former(before) as former, RealRedis() as redis, TemporaryDirectory(prefix="skillstream-chaos-") as scratch:
        suite = Suite(Playbill(seed, rounds, patience, former), redis, Path(scratch))
        suite.run([EXPERIMENTS[name] for name in names], jobs)
    said = summary(suite.results, seed)
    click.echo(orjson.dumps(said))
    sys.exit(bool(said["failed"]) or said["planted_found"] < said["planted"])


@contextmanager
def _former(commit: str) -> Iterator[Path | None]:
    if not commit:
        yield None
        return
    try:
        with checked_out(commit) as (tree, _name):
            yield tree
    except NoSuchCommit as error:
        raise click.UsageError(str(error)) from error


main(prog_name="python -m tests.chaos")
