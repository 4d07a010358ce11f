"""`skillstream dialects`: which events may be sent, and what they are read as."""

import sys
from pathlib import Path

import click

from agents.cli.console import stderr
from agents.cli.dialects_page import page_of_dialects
from agents.cli.outcome import CHECK_FAILED, OutOfReach
from agents.cli.seen_names import show_seen


@click.command(name="dialects")
@click.option("--check", metavar="FILE", type=click.Path(path_type=Path), help="Only say whether FILE is this page.")
@click.option("--seen", is_flag=True, help="Ask a running worker which names it has seen and has no use for.")
@click.option("--url", metavar="URL", help="With --seen: of a worker's pages.  [default: SKILLSTREAM_WEB_HOST, _PORT]")
@click.option("--config", metavar="FILE", help="With --seen: TOML file of settings; the environment wins over it.")
@click.option("--json", "as_json", is_flag=True, help="With --seen: print one JSON object.")
def command(check: Path | None, seen: bool, url: str | None, config: str | None, as_json: bool) -> None:
    """Print the tables of verbs, actions and attributes as a page (docs/dialects.md).

    Exit code 1: with --check, FILE says something else. --seen needs the worker's SKILLSTREAM_WEB_TOKEN.
    """
    if seen and check is not None:
        raise click.UsageError("--seen and --check are two questions: ask one")
    if not seen and (url is not None or config is not None or as_json):
        raise click.UsageError("--url, --config and --json are of --seen")
    if seen:
        show_seen(config, url, as_json=as_json)
    elif check is None:
        click.echo(page_of_dialects(), nl=False)
    else:
        _check(check)


def _check(file: Path) -> None:
    try:
        said = file.read_text("utf-8")
    except UnicodeDecodeError:
        said = ""
    except OSError as error:
        raise OutOfReach(f"{file}: {error.strerror}") from None
    if said != page_of_dialects():
        stderr.print(f"{file} is not what the tables say: skillstream dialects > {file}", markup=False)
        sys.exit(CHECK_FAILED)
