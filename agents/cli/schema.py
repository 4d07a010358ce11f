"""`skillstream schema`: the contract, as JSON Schema, AsyncAPI and OpenAPI."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import orjson

from agents.cli.outcome import OutOfReach
from agents.cli.parameters import NewFolder
from schemas.contract import asyncapi
from schemas.contract.gateway_openapi import gateway_openapi
from schemas.contract.json_schemas import MESSAGE_TOPICS, json_schema, message_version
from schemas.contract.openapi import openapi


@click.command(name="schema")
@click.argument("topic", required=False, type=click.Choice(MESSAGE_TOPICS), metavar="[TOPIC]")
@click.option("--asyncapi", "as_asyncapi", is_flag=True, help="All topics, as one AsyncAPI 3.0 document.")
@click.option("--openapi", "as_openapi", is_flag=True, help="What a worker answers over HTTP, as OpenAPI 3.1.")
@click.option("--out", type=NewFolder(), metavar="DIR", help="Write all of it, as files, to a folder.")
def command(topic: str | None, as_asyncapi: bool, as_openapi: bool, out: Path | None) -> None:
    """Print the JSON Schema of TOPIC's messages, or of all, by topic."""
    if (topic is not None) + as_asyncapi + as_openapi + (out is not None) > 1:
        raise click.UsageError("TOPIC, --asyncapi, --openapi and --out exclude each other.")
    if out is not None:
        _write(out)
    elif as_asyncapi:
        click.echo(_encoded(asyncapi.document()))
    elif as_openapi:
        click.echo(_encoded(openapi()))
    else:
        click.echo(_encoded(json_schema(topic) if topic else {name: json_schema(name) for name in MESSAGE_TOPICS}))


def _write(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, document in _files():
            (folder / name).write_bytes(_encoded(document) + b"\n")
    except OSError as error:
        raise OutOfReach(f"{error.filename}: {error.strerror}") from None


def _files() -> Iterator[tuple[str, dict[str, Any]]]:
    for topic in MESSAGE_TOPICS:
        yield f"{topic}.v{message_version(topic)}.schema.json", json_schema(topic)
    yield "asyncapi.json", asyncapi.document()
    yield "openapi.json", openapi()
    yield "openapi-gateway.json", gateway_openapi()


def _encoded(document: dict[str, Any]) -> bytes:
    return orjson.dumps(document, option=orjson.OPT_INDENT_2)
