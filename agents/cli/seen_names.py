"""`skillstream dialects --seen`: asks a running worker for the names that no table knows."""

import http.client
import os
import ssl
from collections.abc import Sequence
from typing import Any, Final
from urllib.parse import urlsplit

import click
import orjson
from rich.table import Table
from rich.text import Text

from agents.cli.console import stdout
from agents.cli.fitted_table import print_fitted
from agents.cli.outcome import OutOfReach
from agents.config.addresses import http_problem, pages_url
from agents.config.pages_tls import peer_context
from agents.config.settings import Settings, SettingsError, load_settings
from agents.display.plain import printable

_PATH: Final = "/dialects/seen"
_TIMEOUT_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 16 * 1024 * 1024
_ALL_ADDRESSES: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def show_seen(config: str | None, url: str | None, *, as_json: bool) -> None:
    """Print the names. Raises SettingsError where there is no token or it is another, OutOfReach for no answer."""
    settings = load_settings(os.environ, config, reasoning="off")
    if not settings.web_token:
        raise SettingsError(
            "SKILLSTREAM_WEB_TOKEN is not set: workers show these names behind a token only. Set the same for both"
        )
    if url is not None and (problem := http_problem(url)) is not None:
        raise click.UsageError(f"--url {problem}")
    names = _ask(url or _url_of(settings), settings.web_token, peer_context(settings.web_ca))
    if as_json:
        click.echo(orjson.dumps({"names": names}))
    else:
        _print(names)


def _url_of(settings: Settings) -> str:
    host = _ALL_ADDRESSES.get(settings.web_host, settings.web_host)
    return pages_url(host, settings.web_port, encrypted=settings.web_certificate is not None)


def _ask(url: str, token: str, trusted: ssl.SSLContext | None) -> Sequence[dict[str, Any]]:
    parts = urlsplit(url)
    where = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
    host, port = parts.hostname or "", parts.port
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    if parts.scheme == "https":
        connection = http.client.HTTPSConnection(host, port, timeout=_TIMEOUT_S, context=trusted)
    try:
        connection.request("GET", parts.path.rstrip("/") + _PATH, headers={"Authorization": f"Bearer {token}".encode()})
        answer = connection.getresponse()
        status, body = answer.status, answer.read(_MAX_ANSWER_BYTES)
    except (OSError, http.client.HTTPException) as error:
        said = getattr(error, "strerror", None) or type(error).__name__
        raise OutOfReach(
            f"no worker's pages answer at {where}: {said}. Is it running? Name another with --url"
        ) from None
    finally:
        connection.close()
    if status in (401, 403):
        raise SettingsError(f"the worker at {where} refuses SKILLSTREAM_WEB_TOKEN: it is set to another, or to none")
    if status == 421:
        raise SettingsError(f"the worker at {where} does not go by this name: add it to its SKILLSTREAM_WEB_HOSTS")
    try:
        names = orjson.loads(body)["names"] if status == 200 else None
    except (ValueError, KeyError, TypeError):
        names = None
    if not isinstance(names, list) or not all(isinstance(each, dict) for each in names):
        raise OutOfReach(f"what answers at {where} ({status}) is no worker of this version")
    return names


def _print(names: Sequence[dict[str, Any]]) -> None:
    if not names:
        stdout.print("The worker has seen no event of a name that it has no use for.")
        return
    table = Table(box=None, pad_edge=False)
    for heading in ("events", "dialect", "name", "last seen"):
        table.add_column(heading, overflow="fold", justify="right" if heading == "events" else "left")
    for each in names:
        cells = (each.get(column, "") for column in ("events", "dialect", "name", "last_seen"))
        table.add_row(*(Text(printable(str(cell))) for cell in cells))
    print_fitted(table)
    stdout.print("A mapping gives them a use: SKILLSTREAM_MAPPING, docs/dialects.md")
