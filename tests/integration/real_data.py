"""A converted real data set through a worker on a real Kafka, every event accounted for.

    python -m tests.integration.real_data pisa|oulad EVENTS.jsonl.gz

Starts a Kafka (or uses the one that SKILLSTREAM_TEST_BROKER names), feeds the whole file, runs one worker until it has
caught up, folds the topic again offline, and prints one JSON object on the last line. `events_per_s` is from the
worker's first batch to the last commit. The exit code is 1 where the table differs from the replay or an event is
missing. `pisa` is scored as the default skills, `oulad` as `course_success`.
"""

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

import click
import orjson

from agents.cli.event_files import read_lines
from tests.agents.delivery_cluster import until
from tests.agents.deployment import PARTITIONS, Deployment, Sent, deployed
from tests.agents.worker_process import WorkerProcess
from tests.servers.kafka import RealKafka

_SKILLS: Final = {"pisa": "default", "oulad": "course_success"}
_OUTCOMES: Final = ("applied", "late", "ignored", "duplicates", "dead_lettered", "rerouted")
_TIMEOUT_S: Final = 1_800.0


@click.command()
@click.argument("source", type=click.Choice(tuple(_SKILLS)))
@click.argument("events", type=click.Path(exists=True, dir_okay=False))
@click.option("--model", help="Model artifact; the shipped one of the skills by default.")
def main(source: str, events: str, model: str | None) -> None:
    """Feed a converted file, run the worker over it, print what became of every event."""
    with ExitStack() as stack:
        named = os.environ.get("SKILLSTREAM_TEST_BROKER")
        broker = named or stack.enter_context(RealKafka()).bootstrap
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="skillstream-real-")))
        skills = _SKILLS[source]
        settings = {"skills": skills, "model": model or skills}
        deployment = stack.enter_context(deployed(broker, folder, **settings))
        figures = _run(deployment, events)
    click.echo(orjson.dumps({"source": source, **settings, **figures}).decode())
    sys.exit(0 if figures["state_matches_replay"] and figures["all_accounted_for"] else 1)


def _run(deployment: Deployment, events: str) -> dict[str, Any]:
    sent = Sending(events)
    deployment.send(sent)
    worker = deployment.start()
    until(lambda: worker.metrics().get("batches_total", 0) > 0, "the first batch", _TIMEOUT_S)
    began_s = time.monotonic()
    before = worker.metrics()["records_total"]
    deployment.await_caught_up(_TIMEOUT_S)
    seconds = time.monotonic() - began_s
    counted = _counts(worker)
    if worker.terminate() != 0:
        raise click.ClickException(f"the worker did not end as it should:\n{worker.tail()}")
    click.echo("folding the topic again, offline", err=True)
    replay = deployment.replay()
    differences = deployment.differences(replay)
    for difference in differences[:5]:
        click.echo(f"partition {difference.partition}, {difference.student}: {difference.what}", err=True)
    table = deployment.table()
    same_counts = all(counted[name] == getattr(replay.counts, name) for name in _OUTCOMES)
    whole = sum(counted[name] for name in ("applied", "ignored", "duplicates", "dead_lettered"))
    return {
        "records": sent.records,
        **counted,
        "students": sum(len(table.items(partition)) for partition in range(PARTITIONS)),
        "updates": len(deployment.records(deployment.channels.updates)),
        "seconds": round(seconds, 2),
        "events_per_s": round((sent.records - before) / seconds),
        "differences": len(differences),
        "state_matches_replay": not differences and same_counts,
        "all_accounted_for": whole == sent.records,
    }


class Sending:
    """The file's lines as a platform would send them, keyed by student; counts them."""

    def __init__(self, events: str) -> None:
        self._events = events
        self.records = 0

    def __iter__(self) -> Iterator[Sent]:
        for line in read_lines([self._events], quiet=True):
            self.records += 1
            yield Sent(str(orjson.loads(line.text)["student_id"]).encode(), line.text)


def _counts(worker: WorkerProcess) -> dict[str, int]:
    metrics = worker.metrics()
    return {outcome: int(metrics[f'events_total{{outcome="{outcome}"}}']) for outcome in _OUTCOMES}


if __name__ == "__main__":
    main()
