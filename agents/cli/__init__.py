"""The `skillstream` command.

Exit codes: 0 all is well · 1 a check failed · 2 wrong usage, setting or input · 3 Kafka, Redis or a file out of reach,
or a port in use · 4 stopped to keep the state right · 130 interrupted.
"""

import errno
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib import import_module
from importlib.metadata import version
from typing import Any, Final

import click

from agents.cli.group import CommandGroup
from agents.cli.logs import redact_tracebacks
from agents.cli.outcome import OUT_OF_REACH, error_line, exit_code_of
from agents.display.plain import plain
from schemas.errors import SkillstreamError

_COMMANDS: Final = {
    "worker": "Run a worker: consume events, publish skills and explanations.",
    "gateway": "Take events over HTTP: xAPI, Caliper, NDJSON; 2xx is stored.",
    "doctor": "Would a worker start? What should be known before?",
    "topics": "Make the topics that workers need, or check those that are there.",
    "acls": "Print what each part of a deployment must be allowed at Kafka.",
    "demo": "See it all at once, on an embedded broker, with a simulated class.",
    "simulate": "Write a simulated class's events to a broker or a file.",
    "replay": "Run the pipeline over files, without Kafka.",
    "export": "Scores in a flat form: Parquet, CSV or JSON lines, now or as of a time.",
    "verify": "Check on Kafka that every event is accounted for, exactly.",
    "lag": "How far the workers are behind, by partition; none need run.",
    "config": "See and change weights and thresholds while workers run.",
    "catalogue": "What is the same for every student, by the config_version of updates.",
    "norms": "What is usual: of items, components and cohorts, as workers made it.",
    "rescore": "Have all students scored by what is in force now.",
    "spend": "What explanations cost, and what is left of the limits.",
    "student": "What is published of one student: skills, why, components, explanation.",
    "explain": "One student's explanation, with facts, prompt, answers and checks.",
    "tenants": "See who shares the deployment, and make keys for them.",
    "audit": "Who read, exported, replayed, erased or changed what; is it whole?",
    "export-person": "Everything that is held of one student, as one JSON document.",
    "erase": "Forget a student; a signed receipt says what remains until when.",
    "dead-letters": "See what could not be read, and send it back once it can be.",
    "adopt-topic": "Go on with an input topic that was deleted and created again.",
    "rebuild": "Fold the table anew from the input topic, where its changelog was lost.",
    "convert": "Turn a real data set, or a CSV file of one's own, into events.",
    "train": "Train a model artifact from events and labels.",
    "sign-model": "Vouch for a model artifact, so that workers read no other's.",
    "evaluate": "Say how good an artifact's scores are, on events and labels.",
    "platforms": "Find out what each platform sends, for a skills file.",
    "dialects": "Print what verbs, actions and attributes come to.",
    "capacity": "How many partitions and workers, how much memory and disk.",
    "schema": "Print the contract: the JSON Schema of every message, or AsyncAPI.",
}


class _Verbs(CommandGroup):
    """Each command is a module of this package, imported only when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        command = import_module(f"agents.cli.{cmd_name.replace('-', '_')}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(_COMMANDS.items()))


@click.group(
    cls=_Verbs, epilog=(__doc__ or "").partition("\n\n")[2], context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(version("skillstream"), prog_name="skillstream")
def skillstream() -> None:
    """Learning events from Kafka in; skill scores, with evidence and explanations, out."""


def main(run: Callable[..., Any] = skillstream) -> None:
    """Run the command line; errors of ours become one line and an exit code, and none shows a secret."""
    redact_tracebacks()
    try:
        code = run(standalone_mode=False)
        sys.stdout.flush()  # a closed pipe or a full disk is found out here at the latest
        sys.exit(code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("skillstream: interrupted", err=True)
        sys.exit(130)
    except click.ClickException as error:
        error.message = plain(error.message)
        error.show()
        sys.exit(error.exit_code)
    except SkillstreamError as error:
        click.echo(f"skillstream: {plain(error_line(error))}", err=True)
        sys.exit(exit_code_of(error))
    except BrokenPipeError:
        _let_go_of_stdout()
        sys.exit(0)
    except OSError as error:
        _let_go_of_stdout()
        where = f"{error.filename}: " if error.filename else "cannot write: " if error.errno == errno.ENOSPC else ""
        click.echo(f"skillstream: {plain(where + (error.strerror or type(error).__name__))}", err=True)
        sys.exit(OUT_OF_REACH)


def _let_go_of_stdout() -> None:
    """So that the interpreter does not try again, as it ends, to write what could not be written."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
