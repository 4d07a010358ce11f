"""The pages of the dashboard.

/                  the whole group, for people: complete as it is, and kept up to date where a script may run
/group/stream      the parts of that page as they change, as server-sent events
/assets/...        its style and its scripts, from the package; open to all, since they tell nothing
"""

from importlib.metadata import version
from importlib.resources import files
from typing import Final

import orjson
from aiohttp import web

from agents.dashboard.drawing import Drawing
from agents.dashboard.figures import PAST_STEP_S
from agents.dashboard.page import STREAM, changed, dashboard_page
from agents.web.pages import Page
from agents.web.streaming import EventStreams

_ASSETS: Final = "/assets/"
_KINDS: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


def dashboard_pages(drawing: Drawing, streams: EventStreams, name: str, *, students: bool) -> list[Page]:
    """All of them; `name` is the deployment's, `students` is whether pages of students are open to anybody."""
    program, assets = version("skillstream"), _assets()

    async def page(request: web.Request) -> web.Response:
        group, parts = await drawing.now(request.headers)
        text = dashboard_page(group, parts, name, program, reloading="refresh" in request.query, students=students)
        return web.Response(text=text, content_type="text/html")

    async def stream(request: web.Request) -> web.StreamResponse:
        sent: dict[str, str] = {}

        async def next_event() -> bytes:
            group, parts = await drawing.now(request.headers)
            new = changed(sent, parts)
            sent.update(new)
            return orjson.dumps({"title": f"{group.status} · {name}", "parts": new})

        return await streams.answer(request, "parts", next_event, PAST_STEP_S)

    async def asset(request: web.Request) -> web.Response:
        found = assets.get(request.match_info["name"])
        if found is None:
            raise web.HTTPNotFound
        kind, body = found
        return web.Response(body=body, content_type=kind, charset="utf-8")

    return [Page("/", page), Page(STREAM, stream), Page(f"{_ASSETS}{{name}}", asset, role="open")]


def _assets() -> dict[str, tuple[str, bytes]]:
    """By name: the type and the bytes."""
    folder = files("agents.dashboard").joinpath("assets")
    return {each.name: (_KINDS[each.name.rpartition(".")[2]], each.read_bytes()) for each in folder.iterdir()}
