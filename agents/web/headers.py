"""Headers that are on every answer, that to what is no request too."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

from aiohttp import web

from agents.web.pages import json_answer

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "Server": "skillstream",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
    "img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_OVER_TLS: Final = ("Strict-Transport-Security", "max-age=31536000")


def is_encrypted(request: web.BaseRequest) -> bool:
    """Whether the caller's connection is TLS, here or at a proxy."""
    return request.secure or request.headers.get("X-Forwarded-Proto", "") == "https"


def put_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Put them on an answer; a page may have a policy of its own."""
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = SECURITY_HEADERS["Server"]
    if is_encrypted(request):
        response.headers.setdefault(*_OVER_TLS)


class GuardedHandler(web.RequestHandler):  # type: ignore[type-arg,unused-ignore]
    """aiohttp's own, whose answers to what is no request have these headers too, and quote nothing of it."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """See aiohttp."""
        plain = super().handle_error(request, status, exc, message)
        response = json_answer({"error": HTTPStatus(plain.status).phrase.lower()}, plain.status)
        response.force_close()
        put_headers(request, response)
        return response
