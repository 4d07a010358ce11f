"""The servers from a shell: a Kafka in the foreground or background, or both servers around a command."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import click

from tests.servers import background
from tests.servers.child import ServerFailed, ServerMissing
from tests.servers.kafka import RealKafka
from tests.servers.redis import RealRedis

_USAGE = "usage: python -m tests.servers.kafka [--background | --stop]"
_INTERRUPT_GRACE_S = 60.0


def kafka(arguments: Sequence[str] | None = None) -> int:
    """Runs `python -m tests.servers.kafka` and returns its exit code."""
    verbs: dict[tuple[str, ...], Callable[[], int]] = {
        (): _foreground,
        ("--background",): _background,
        ("--stop",): _stop,
    }
    verb = verbs.get(tuple(sys.argv[1:] if arguments is None else arguments))
    if verb is None:
        click.echo(_USAGE, err=True)
        return 2
    return _guarded(verb)


def around(command: Sequence[str]) -> int:
    """Runs `command` with a Kafka and a Redis to talk to, and returns its exit code.

    Their addresses are in SKILLSTREAM_TEST_BROKER and SKILLSTREAM_TEST_REDIS_URL; a server that these name
    already is used as it is.
    """
    if not command:
        click.echo("usage: python -m tests.servers COMMAND [ARGUMENT]...", err=True)
        return 2
    return _guarded(lambda: _around(command))


def _guarded(verb: Callable[[], int]) -> int:
    # SIGTERM unwinds like an exit, so that the servers' context managers stop what they started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return verb()
    except (ServerMissing, ServerFailed) as error:
        click.echo(str(error), err=True)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _foreground() -> int:
    click.echo("Starting Kafka", err=True)
    with RealKafka() as broker:
        click.echo(f"Kafka answers at {broker.bootstrap}; Ctrl-C stops it and removes its data")
        threading.Event().wait()
    return 0


def _background() -> int:
    running, fresh = background.start()
    click.echo(f"Kafka {'answers' if fresh else 'was running already'} at {running.bootstrap}")
    click.echo(f"  use it    export SKILLSTREAM_BROKER={running.bootstrap}")
    click.echo(f"  its log   {running.folder}/broker.log")
    click.echo("  stop it   make kafka-stop   (and its data are gone)")
    return 0


def _stop() -> int:
    stopped = background.stop()
    click.echo(f"Stopped the Kafka at {stopped.bootstrap}" if stopped else "No Kafka of this checkout is running")
    return 0


def _around(command: Sequence[str]) -> int:
    environment = dict(os.environ)
    with ExitStack() as servers:
        if not environment.get("SKILLSTREAM_TEST_BROKER"):
            click.echo("Starting Kafka", err=True)
            environment["SKILLSTREAM_TEST_BROKER"] = servers.enter_context(RealKafka()).bootstrap
        if not environment.get("SKILLSTREAM_TEST_REDIS_URL"):
            click.echo("Starting Redis", err=True)
            environment["SKILLSTREAM_TEST_REDIS_URL"] = servers.enter_context(RealRedis()).url
        return _run(command, environment)


def _run(command: Sequence[str], environment: dict[str, str]) -> int:
    process = subprocess.Popen(command, env=environment)
    try:
        return process.wait()
    except BaseException:
        # An interrupt lets pytest tear its fixtures down; SIGTERM would not.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(_INTERRUPT_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise
