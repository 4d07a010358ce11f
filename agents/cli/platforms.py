"""`skillstream platforms`: what each platform sends, as the table of a skills file that lets indicators speak."""

import os

import click
import orjson

from agents.cli.bad_lines import BadLines
from agents.cli.event_files import read_lines
from agents.cli.line_records import records_of_now, reporting
from agents.cli.options import config_option, mapping_option
from agents.config.dialects import decoder_of
from agents.config.settings import load_settings
from streams.training.occurrences import Occurrences


@click.command(name="platforms")
@click.argument("files", nargs=-1, required=True)
@config_option
@mapping_option
def command(files: tuple[str, ...], config: str | None, mapping: str | None) -> None:
    """Find out which facts occur in the events of each platform, by their `source`, in FILES (plain or gzip, one event
    a line; - is standard input), and print it as the table [platforms] of a skills file.

    Give it a whole term: what happens seldom is missing in a day. Read it before you use it: what is in the table is
    taken for sent, and what never happened for not.
    """
    settings = load_settings(os.environ, config, mapping=mapping, reasoning="off")
    bad, occurrences = BadLines(quiet=False), Occurrences()
    decode = reporting(decoder_of(settings), bad)
    for record in records_of_now(read_lines(list(files))):
        occurrences.note(decode(record).events)
    bad.tell_of_the_rest()
    click.echo("[platforms]")
    for source, facts in occurrences.facts().items():
        click.echo(f"{_quoted(source)} = {orjson.dumps(facts).decode()}")


def _quoted(text: str) -> str:
    """As a string of TOML, which is one of JSON but for DEL."""
    return orjson.dumps(text).decode().replace("\x7f", "\\u007f")
