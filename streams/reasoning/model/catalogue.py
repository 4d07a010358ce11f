"""Which of the configured models to ask: the first one that the server serves and has not shut down.

OpenAI withdraws models on dates that it announces in GET /v1/models, and serves what it lists. Of other servers the
list is but a hint: it may be missing, be a bare array, hold what deployments are made of, or patterns.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import msgspec
from msgspec import Struct

_MAX_NAMED: Final = 8
_PLAIN: Final = re.compile(r"[\w.:/@+*-]{1,80}\Z", re.ASCII)


class Served(Struct, frozen=True):
    """One entry of a server's list: a name and, if known, the day of its shutdown (YYYY-MM-DD)."""

    id: str
    shutdown_date: str | None = None

    def is_called(self, name: str) -> bool:
        """Whether a request for `name` asks for this: `name:latest` (Ollama), `models/name` (Gemini), `prefix*`."""
        if self.id.endswith("*"):
            return name.startswith(self.id[:-1])
        return self.id in (name, f"{name}:latest", f"models/{name}")


@dataclass(frozen=True, slots=True)
class Chosen:
    """A model to ask; `listed`: the server's list has it."""

    model: str
    listed: bool


def read_served(body: bytes) -> list[Served] | None:
    """The models in the answer to GET /v1/models, an object or a bare array; None if it is no list of models."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    entries = _entries(document)
    return None if entries is None else [served for entry in entries if (served := _served(entry)) is not None]


def choose_model(
    wanted: Sequence[str],
    served: Sequence[Served] | None,
    today: date,
    gone: Collection[str] = (),
    *,
    only_listed: bool = True,
) -> Chosen | None:
    """The first of `wanted` that is served, not `gone`, and not shut down `today` (UTC).

    Where none is listed, or `served` is None since the server gives no list: the first that is not gone nor shut down,
    unless a list is there and `only_listed`. A date that cannot be read is taken for none: the server still lists the
    model.
    """
    shut: set[str] = set()
    for name in wanted:
        found = next((model for model in served or () if model.is_called(name)), None)
        if found is None or name in gone:
            continue
        shutdown = _day(found.shutdown_date)
        if shutdown is None or today < shutdown:
            return Chosen(name, listed=True)
        shut.add(name)
    if served is not None and only_listed:
        return None
    return next((Chosen(name, listed=False) for name in wanted if name not in gone and name not in shut), None)


def names_of(served: Sequence[Served] | None) -> str:
    """What is served, for people: the first few, of those whose names are plain."""
    if not served:
        return "it lists no models"
    plain = [model.id for model in served if _PLAIN.match(model.id)]
    more = len(served) - len(plain[:_MAX_NAMED])
    return f"it lists {', '.join(plain[:_MAX_NAMED])}" + (f" and {more} more" if more else "")


def _entries(document: object) -> list[Any] | None:
    if isinstance(document, dict):
        document = next((document[key] for key in ("data", "models") if isinstance(document.get(key), list)), None)
    return document if isinstance(document, list) else None


def _served(entry: object) -> Served | None:
    if isinstance(entry, str):
        return Served(entry)
    if not isinstance(entry, dict):
        return None
    name = next((entry[key] for key in ("id", "name", "model") if isinstance(entry.get(key), str)), None)
    day = entry.get("shutdown_date")
    return Served(name, day if isinstance(day, str) else None) if name else None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
