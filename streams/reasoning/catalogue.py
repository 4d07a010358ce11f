"""Which of the configured models to ask: the first one that the server serves and has not shut down.

OpenAI withdraws models on dates that it announces in GET /v1/models; servers that speak its protocol may lack the
date, or the endpoint.
"""

from collections.abc import Collection, Sequence
from datetime import date

import msgspec
from msgspec import Struct

from streams.reasoning.model import ModelUnavailable


class Served(Struct, frozen=True):
    """One entry of a server's list: a name and, if known, the day of its shutdown (YYYY-MM-DD)."""

    id: str
    shutdown_date: str | None = None


class _Page(Struct, frozen=True):
    data: list[Served]


def read_served(body: bytes) -> list[Served]:
    """The models in the answer to GET /v1/models. Raises ModelUnavailable if it is none."""
    try:
        return msgspec.json.decode(body, type=_Page).data
    except msgspec.MsgspecError as error:
        raise ModelUnavailable(f"the server's list of models cannot be read: {error}") from None


def choose_model(
    wanted: Sequence[str], served: Sequence[Served] | None, today: date, gone: Collection[str] = ()
) -> str | None:
    """The first of `wanted` that is served, not `gone`, and not shut down `today` (UTC); None if there is none.

    `served` is None where the server does not tell: then the first that is not gone. A date that cannot be read is
    taken for none: the server still lists the model.
    """
    shutdowns = None if served is None else {model.id: _day(model.shutdown_date) for model in served}
    for name in wanted:
        if name in gone:
            continue
        if shutdowns is None:
            return name
        if name in shutdowns:
            shutdown = shutdowns[name]
            if shutdown is None or today < shutdown:
                return name
    return None


def _day(text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
