"""`skillstream schema`: the contract, as JSON Schema."""

import click
import orjson

from schemas.contract import TOPICS, json_schema


@click.command(name="schema")
@click.argument("topic", required=False, type=click.Choice(TOPICS))
def command(topic: str | None) -> None:
    """Print the JSON Schema of TOPIC's messages, or of all, by topic."""
    document = json_schema(topic) if topic else {name: json_schema(name) for name in TOPICS}
    click.echo(orjson.dumps(document, option=orjson.OPT_INDENT_2))
