"""An HTTP client that reads every answer itself, within bounds: its size as sent and as decompressed, its headers.

Cookies are not kept and redirects not followed: what a request holds goes to the configured server alone.
"""

import zlib
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, Final

import httpx2
import openai

from streams.reasoning.model.reasoning_model import ModelUnavailable, ReplyTooLarge

MAX_REPLY_BYTES: Final = 256 * 1024
LIST_FACTOR: Final = 16
_PASSED_HEADERS: Final = (
    "retry-after",
    "retry-after-ms",
    "x-request-id",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-remaining-tokens",
    "x-ratelimit-reset-requests",
    "x-ratelimit-reset-tokens",
)
_MAX_CHARS: Final = 100
_GZIP: Final = 16 + zlib.MAX_WBITS


class BoundedClient(openai.DefaultAsyncHttpxClient):
    """Answers to completions are read up to `max_reply_bytes`, to others up to LIST_FACTOR as much.

    The SDK hands on what it raises as it is.
    """

    def __init__(self, max_reply_bytes: int = MAX_REPLY_BYTES, **options: Any) -> None:
        super().__init__(
            follow_redirects=False,
            headers={"Accept-Encoding": "gzip"},
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
            **options,
        )
        self._max_reply_bytes = max_reply_bytes

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:
        """The whole answer, with the headers that mean something to us. Raises ReplyTooLarge or ModelUnavailable."""
        most_bytes = self._max_reply_bytes * (1 if request.method == "POST" else LIST_FACTOR)
        response = await super().send(request, **{**options, "stream": True})
        try:
            sent = await _read(response, most_bytes)
        finally:
            await response.aclose()
        body = _decompressed(sent, response.headers.get("content-encoding", ""), most_bytes)
        return httpx2.Response(response.status_code, headers=_passed(response.headers), content=body, request=request)


async def _read(response: httpx2.Response, most_bytes: int) -> bytes:
    parts, size_bytes = [], 0
    async for part in response.aiter_raw():
        parts.append(part)
        size_bytes += len(part)
        if size_bytes > most_bytes:
            raise ReplyTooLarge(f"the server's answer is larger than {most_bytes} bytes")
    return b"".join(parts)


def _decompressed(sent: bytes, encoding: str, most_bytes: int) -> bytes:
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return sent
    if encoding not in ("gzip", "x-gzip"):
        raise ModelUnavailable("the server's answer is compressed in a way that was not asked for")
    decoder = zlib.decompressobj(_GZIP)
    try:
        body = decoder.decompress(sent, most_bytes + 1)
    except zlib.error:
        raise ModelUnavailable("the server's answer cannot be decompressed") from None
    if len(body) > most_bytes:
        raise ReplyTooLarge(f"the server's answer is larger than {most_bytes} bytes when decompressed")
    if not decoder.eof:
        raise ModelUnavailable("the server's answer cannot be decompressed: it is cut off")
    return body


def _passed(headers: Mapping[str, str]) -> dict[str, str]:
    passed = {name: headers[name][:_MAX_CHARS] for name in _PASSED_HEADERS if name in headers}
    return {name: value.encode("ascii", "replace").decode() for name, value in passed.items()}
