"""What a page is to the web server: others add theirs without touching it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from agents.web.access import Role

Respond = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True)
class Page:
    """`path` in aiohttp's form, `{name}` for what may be anything; `respond` may raise web.HTTPException. All
    methods of a path are for one role.
    """

    path: str
    respond: Respond
    method: str = "GET"
    role: Role = "operator"


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """An answer in JSON."""
    body = orjson.dumps(content, option=orjson.OPT_APPEND_NEWLINE)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)
