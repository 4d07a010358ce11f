"""Signing in with a token, in a browser: it is answered with a session's cookie. And signing out.

GET  /sign-in?to=/path      the form
POST /sign-in               token, to: leads to the path, with the cookie of the role whose token it is
POST /sign-out              ends the browser's sessions
"""

from typing import Final, get_args
from urllib.parse import parse_qsl

from aiohttp import web

from agents.config.sessions import COOKIES, SignedRole, session_value
from agents.web.access import PageAccess
from agents.web.attempts import FailedAttempts
from agents.web.guard import Guard
from agents.web.headers import is_encrypted
from agents.web.pages import Page, json_answer
from agents.web.sign_in_form import sign_in_form

_FORM: Final = "application/x-www-form-urlencoded"
_MAX_PATH_CHARS: Final = 2_000
_MAX_FIELDS: Final = 10
_SIGNED: Final[tuple[SignedRole, ...]] = get_args(SignedRole)


class SignIn:
    """The pages of one worker; sessions last `session_s`."""

    def __init__(self, access: PageAccess, attempts: FailedAttempts, guard: Guard, session_s: int) -> None:
        self._access, self._attempts, self._guard, self._session_s = access, attempts, guard, session_s

    def pages(self) -> list[Page]:
        """All open: to who has no token yet."""
        return [
            Page("/sign-in", self._ask, role="open"),
            Page("/sign-in", self._take, "POST", role="open"),
            Page("/sign-out", self._end, "POST", role="open"),
        ]

    async def _ask(self, request: web.Request) -> web.Response:
        return sign_in_form(_local(request.query.get("to", "/")), "open")

    async def _take(self, request: web.Request) -> web.Response:
        if (refused := _foreign(request)) is not None:
            return refused
        if (wait_s := self._attempts.wait_s(request.remote)) > 0:
            return self._guard.later(wait_s)
        given = _fields(await request.read())
        token, to = given.get("token", "").strip(), _local(given.get("to", "/"))
        role = self._access.tokens.role_of(token)
        if role not in _SIGNED:
            is_known = role is not None or self._access.tokens.tenant_of(token) is not None
            if not is_known:
                self._attempts.note(request.remote)
            said = "This token is for programs." if is_known else "This token is not known here."
            return sign_in_form(to, "open", status=401, problem=said)
        answer = web.Response(status=303, headers={"Location": to})
        expires_s = int(self._access.now_s()) + self._session_s
        answer.set_cookie(
            COOKIES[role],
            session_value(token, role, expires_s),
            max_age=self._session_s,
            path="/",
            secure=is_encrypted(request),
            httponly=True,
            samesite="Strict",
        )
        return answer

    async def _end(self, request: web.Request) -> web.Response:
        if (refused := _foreign(request)) is not None:
            return refused
        answer = web.Response(status=303, headers={"Location": "/sign-in"})
        for role in _SIGNED:
            answer.del_cookie(COOKIES[role], path="/", httponly=True, samesite="Strict")
        return answer


def _foreign(request: web.Request) -> web.Response | None:
    """The answer to a form of another site's, or to what is no form."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return json_answer({"error": "a form of another site's"}, 403)
    if request.content_type != _FORM:
        return json_answer({"error": f"not {_FORM}"}, 415)
    return None


def _fields(body: bytes) -> dict[str, str]:
    """A form's fields, the last of each name; none of what is no form."""
    try:
        return dict(parse_qsl(body.decode(errors="replace"), max_num_fields=_MAX_FIELDS))
    except ValueError:
        return {}


def _local(path: str) -> str:
    """`path` where it leads to a page here, else the first page: no link of ours leads elsewhere."""
    is_path = path.startswith("/") and not path.startswith(("//", "/\\"))
    return path if is_path and path.isprintable() and path.isascii() and len(path) <= _MAX_PATH_CHARS else "/"
