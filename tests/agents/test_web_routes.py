"""Every route against every role and every method: who is admitted, and what is on every answer.

Routes are taken from a worker as it is put together: a new one that is not in the table fails, and is asked likewise.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Final

import aiohttp
from aiohttp import web

from agents.config.sessions import COOKIES, session_value
from agents.config.settings import Settings
from agents.config.tenants import Tenant
from agents.web import RoleTokens, WebServer
from agents.web.access import Role
from agents.web.headers import SECURITY_HEADERS
from agents.web.pages import Page, json_answer
from agents.worker.worker import Worker
from streams.input.tenancy import ONE_TENANT
from tests.agents.proxied import RULES, proxied
from tests.agents.situation import Situation, seen

__all__ = ["seen"]
OF_NORTH: Final = "a tenant's own token, 44"
NORTH: Final = Tenant("north", "north:", ONE_TENANT)
TOKENS: Final = RoleTokens(
    "an operator's own token",
    "a reader's own token, 2",
    "of scoring on demand",
    {OF_NORTH: NORTH}.get,
)
ROUTES: Final[Mapping[Role, Mapping[str, str]]] = {
    "open": {
        "/live": "GET",
        "/ready": "GET",
        "/openapi.json": "GET",
        "/sign-in": "GET POST",
        "/sign-out": "POST",
        "/assets/{name}": "GET",
    },
    "operator": {
        "/": "GET",
        "/group/stream": "GET",
        "/health": "GET",
        "/health/detailed": "GET",
        "/metrics": "GET",
        "/dialects/seen": "GET",
        "/worker/figures": "GET",
        "/group/figures": "GET",
    },
    "reader": {
        "/student": "GET",
        "/students/{id}": "GET",
        "/students/{id}/history": "GET",
        "/students/{id}/explanation": "GET",
    },
    "inference": {"/inference/batch": "POST", "/inference/rows": "POST"},
}
METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND")
FAR: Final = 4_000_000_000


@dataclass(frozen=True)
class Caller:
    """Who asks: the roles that are theirs, and with which status they are refused what is not."""

    name: str
    refused: int
    headers: Mapping[str, str] = field(default_factory=dict)
    roles: frozenset[str] = frozenset()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


CALLERS: Final = (
    Caller("nobody", 401),
    Caller("a wrong token", 401, bearer("nobody's own token")),
    Caller("an empty token", 401, bearer("")),
    Caller("a tenant, not about its students", 403, bearer(OF_NORTH)),
    *(
        Caller(role, 403, bearer(getattr(TOKENS, role)), frozenset({role}))
        for role in ("operator", "reader", "inference")
    ),
    *(
        Caller(
            f"a session as {role}",
            401,
            {"Cookie": f"{COOKIES[role]}={session_value(getattr(TOKENS, role), role, FAR)}"},
            frozenset({role}),
        )
        for role in COOKIES
    ),
    Caller("a session that ended", 401, {"Cookie": f"{COOKIES['reader']}={session_value(TOKENS.reader, 'reader', 1)}"}),
    Caller("the proxy, for a teacher", 403, dict(proxied("teachers")), frozenset({"reader"})),
    Caller("the proxy, for an operator", 403, dict(proxied("operations")), frozenset({"operator"})),
    Caller("who takes itself for the proxy", 403, dict(proxied("teachers, operations", secret="guessed"))),
)


@cache
def served_pages() -> tuple[Page, ...]:
    """All pages of a worker; it connects to nothing."""
    return Worker(Settings(reasoning="off", model="none")).pages


def methods_of(pages: tuple[Page, ...]) -> dict[tuple[str, Role], set[str]]:
    found = defaultdict[tuple[str, Role], set[str]](set)
    for page in pages:
        found[page.path, page.role] |= {page.method, *(["HEAD"] if page.method == "GET" else [])}
    return dict(found)


def test_the_table_has_every_route_with_its_role_and_methods() -> None:
    served = {key: methods - {"HEAD"} for key, methods in methods_of(served_pages()).items()}

    assert served == {
        (path, role): set(methods.split()) for role, paths in ROUTES.items() for path, methods in paths.items()
    }


async def answer(_request: web.Request) -> web.Response:
    return json_answer({"answered": True})


async def test_each_route_admits_its_role_by_its_methods_and_nobody_else(seen: Situation) -> None:
    common = {"health": seen.health, "lag": seen.lag, "metrics": seen.metrics}
    own = {page.path for page in WebServer("127.0.0.1", 0, **common).pages}  # type: ignore[arg-type]
    server = WebServer(
        "127.0.0.1",
        0,
        **common,  # type: ignore[arg-type]
        tokens=TOKENS,
        proxy=RULES,
        wrong_tokens_per_minute=10_000,
        pages=[replace(page, respond=answer) for page in served_pages() if page.path not in own],
    )
    await server.start()
    wrong = []
    try:
        async with aiohttp.ClientSession(server.url) as session:
            for (path, role), allowed in methods_of(server.pages).items():
                filled = path.replace("{id}", "ada").replace("{name}", "page.css")
                for caller in CALLERS:
                    for method in METHODS:
                        asked = session.request(method, filled, headers=caller.headers, allow_redirects=False)
                        async with asked as response:
                            problem = judged(response, role, allowed, caller, method)
                            if problem:
                                wrong.append((method, path, caller.name, response.status, problem))
    finally:
        await server.stop()

    assert methods_of(server.pages).keys() == methods_of(served_pages()).keys()
    assert wrong == []


def judged(response: aiohttp.ClientResponse, role: Role, allowed: set[str], caller: Caller, method: str) -> str | None:
    """What is wrong with an answer."""
    for name, value in SECURITY_HEADERS.items():
        found = response.headers.get(name)
        if found is None or (name != "Content-Security-Policy" and found != value):
            return name
    policy = response.headers["Content-Security-Policy"]
    if "default-src 'none'" not in policy or "unsafe" in policy or "frame-ancestors 'none'" not in policy:
        return "policy"
    admitted = role == "open" or role in caller.roles
    if not admitted:
        return None if response.status == caller.refused else f"not {caller.refused}"
    if method not in allowed:
        told = set(response.headers.get("Allow", "").split(","))
        return None if response.status == 405 and told == allowed else "not 405, or not what is allowed"
    return None if response.status < 400 or (role == "open" and response.status == 415) else "not admitted"


async def test_nobody_learns_of_a_path_that_is_not_there_before_they_are_an_operator(seen: Situation) -> None:
    common = {"health": seen.health, "lag": seen.lag, "metrics": seen.metrics}
    server = WebServer("127.0.0.1", 0, **common, tokens=TOKENS)  # type: ignore[arg-type]
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as session:
            for token, status in ((TOKENS.operator, 404), (TOKENS.reader, 403), ("nobody's own token", 401)):
                async with session.get("/table/students/ada/", headers=bearer(token)) as response:
                    assert response.status == status
    finally:
        await server.stop()


async def test_over_tls_a_browser_is_told_to_stay_with_it(seen: Situation) -> None:
    server = WebServer("127.0.0.1", 0, health=seen.health, lag=seen.lag, metrics=seen.metrics)
    await server.start()
    try:
        async with aiohttp.ClientSession(server.url) as session:
            async with session.get("/live", headers={"X-Forwarded-Proto": "https"}) as response:
                assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
            async with session.get("/live") as response:
                assert "Strict-Transport-Security" not in response.headers
    finally:
        await server.stop()
