"""What a provider's server may answer with, made wrong: the document, its bytes, their coding, the HTTP around them."""

import gzip
import json
import zlib
from collections.abc import Callable
from random import Random
from typing import Any, Final

from tests.fuzz.mutation import mutated

_GOOD_SHARE: Final = 0.05
_STATUSES: Final = (
    200, 200, 200, 200, 200, 201, 204, 206, 226, 301, 302, 304, 307, 308, 400, 400, 401, 402, 403, 404, 405, 408, 409,
    413, 415, 418, 422, 425, 429, 429, 451, 499, 500, 501, 502, 503, 504, 520, 529, 599, 600, 799, 999,
)  # fmt: skip
_LINES: Final = (
    b"HTTP/1.1 200",
    b"HTTP/1.0 200 OK",
    b"HTTP/2 200 OK",
    b"HTTP/1.1 abc",
    b"ICY 200 OK",
    b"",
    b"\x00\xff",
)
_HEADERS: Final = (
    b"Retry-After: 1e400", b"Retry-After: -1", b"Retry-After: \xff",
    b"Retry-After: Mon, 99 Foo 99999 99:99:99 +9999999",
    b"Retry-After: Fri, 31 Dec 9999 23:59:59 -2359", b"retry-after-ms: nan", b"Retry-After: " + b"9" * 5_000,
    b"Content-Type: application/json; charset=rot13", b"Content-Type: text/event-stream", b"Content-Type: \xff\xfe",
    b"Content-Type: application/json; charset=utf-16", b"Set-Cookie: a=b; domain=.; expires=Never",
    b"Location: http://[::1", b"Location: /v1/elsewhere", b"Connection: close", b"Connection: upgrade",
    b"Transfer-Encoding: gzip, chunked", b"Trailer: x", b"x-should-retry: true", b"x-request-id: " + b"a" * 9_000,
    b"no colon", b": no name", b"\x00: \x00", b"a b: c", b" folded", b"X: " + b"y" * 70_000, b"X: " + b"y" * 150_000,
)  # fmt: skip
_CODINGS: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"gzip": lambda body: gzip.compress(body, 1),
    b"GZIP ": lambda body: gzip.compress(body, 1),
    b"x-gzip": lambda body: gzip.compress(body, 1)[:-5],
    b"gzip, gzip": lambda body: gzip.compress(gzip.compress(body, 1), 1),
    b"deflate": zlib.compress,
    b"br": lambda body: body,
    b"identity": lambda body: body,
}
_BOMB: Final = gzip.compress(b" " * 2**26, 1)
_DEEP: Final = b"[" * 50_000
_BODIES: Final = (
    b"", b"null", b"<html>", b"data: {}\n\n", b"\xff\xfe{\x00", _DEEP, b'{"choices":' + _DEEP, b"9" * 9_999,
)  # fmt: skip
_ERRORS: Final[tuple[Any, ...]] = (
    {"error": {"message": "The model `x` does not exist", "type": "invalid_request_error", "code": "model_not_found"}},
    {"error": {"message": "property 'store' is unsupported", "type": "invalid_request_error"}},
    {"error": {"message": "This response_format type is unavailable now", "type": "invalid_request_error"}},
    {
        "error": {
            "code": "content_filter",
            "message": "filtered",
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        }
    },
    {"error": {"message": "quota", "type": "insufficient_quota", "code": "insufficient_quota", "param": None}},
    {"object": "error", "message": {"detail": [{"type": "extra_forbidden", "loc": ["body", "store"]}]}, "code": 422},
    [{"error": {"code": 400, "message": 'Unknown name "store"', "status": "INVALID_ARGUMENT"}}],
    {"error": {"code": 429, "message": "slow down", "metadata": {"raw": "…"}}, "user_id": "x"},
    {"error": "overloaded"},
    {"choices": [{"error": {"code": 502, "message": "x"}, "finish_reason": "error", "message": {"content": ""}}]},
)
_LISTS: Final[tuple[Any, ...]] = (
    {"object": "list", "data": [{"id": "gpt-4.1", "shutdown_date": None}, {"id": "gpt-6-luna"}]},
    {"data": [{"id": "openai/*"}, {"id": "llama3.2:latest"}]},
    [{"id": "gpt-4.1", "shutdown_date": "2027-01-14"}],
    {"models": [{"name": "models/gpt-4.1"}]},
)


class Answers:
    """Answers as bytes of HTTP, the same for the same seed and requests."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)

    def to(self, good: Any, *, to_list: bool) -> bytes:
        """An answer to a request whose `good` answer is known; `to_list`, to one for the models that are served.

        An empty one closes the connection.
        """
        rng = self._rng
        seeds = (*_LISTS, *_ERRORS[:3]) if to_list else (good, good, *_ERRORS)
        document = rng.choice(seeds)
        if rng.random() < _GOOD_SHARE:
            return _framed(b"HTTP/1.1 200 OK", [], json.dumps(good).encode(), rng, whole=True)
        status = 200 if document is good and rng.random() < 0.8 else rng.choice(_STATUSES)
        for _ in range(rng.randint(0, 3)):
            document = mutated(document, seeds, rng)
        body = self._body(_within(document, rng))
        line = rng.choice(_LINES) if rng.random() < 0.03 else b"HTTP/1.1 %d Said" % status
        headers = rng.sample(_HEADERS, rng.randint(1, 4)) if rng.random() < 0.25 else []
        if rng.random() < 0.15:
            coding = rng.choice(list(_CODINGS))
            headers.append(b"Content-Encoding: " + coding)
            body = _BOMB if rng.random() < 0.1 else _CODINGS[coding](body)
        return _framed(line, headers, body, rng, whole=rng.random() < 0.85)

    def _body(self, document: Any) -> bytes:
        rng = self._rng
        body = json.dumps(document).encode("utf-8", "surrogatepass")
        match rng.randrange(12):
            case 0:
                at = rng.randint(0, len(body))
                return body[:at]
            case 1:
                at = rng.randint(0, len(body))
                return body[:at] + rng.randbytes(rng.randint(1, 8)) + body[at + rng.randint(0, 4) :]
            case 2:
                return rng.choice(_BODIES)
            case 3:
                return body + b" " * rng.choice((1, 1_000, 256 * 1_024, 2**23))
        return body


def _within(document: Any, rng: Random) -> Any:
    """The document, with the draft inside of its message changed now and then."""
    try:
        message = document["choices"][0]["message"]
        draft = json.loads(message["content"])
    except (LookupError, TypeError, ValueError):
        return document
    if isinstance(draft, dict | list) and draft and rng.random() < 0.6:
        return {**document, "choices": [{"message": {"content": json.dumps(mutated(draft, (draft,), rng))}}]}
    return document


def _framed(line: bytes, headers: list[bytes], body: bytes, rng: Random, *, whole: bool) -> bytes:
    """The answer on the wire; one that is not `whole` lies about its length, or breaks off."""
    if whole:
        headers = [*headers, b"Content-Length: %d" % len(body)]
        return b"\r\n".join((line, *headers, b"", body))
    match rng.randrange(7):
        case 0:
            headers = [*headers, b"Content-Length: %d" % (len(body) + rng.choice((-1, 1, 10**9)))]
        case 1:
            headers = [*headers, b"Content-Length: " + rng.choice((b"-1", b"x", b"1e3", b"9" * 400, b"1, 2"))]
        case 2:
            headers = [*headers, b"Transfer-Encoding: chunked"]
            body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
        case 3:
            headers = [*headers, b"Transfer-Encoding: chunked"]
            body = rng.choice((b"zz\r\n", b"-1\r\n", b"f" * 40 + b"\r\n", b"5\r\nab")) + body
        case 4:
            headers = [*headers, *(b"X-%d: y" % number for number in range(rng.choice((150, 20_000))))]
        case 5:
            return b"HTTP/1.1 100 Continue\r\n\r\n" * rng.choice((1, 50)) + b"\r\n".join((line, *headers, b"", body))
        case _:
            return b"\r\n".join((line, *headers, b"", body))[: rng.randint(0, 200)]
    return b"\r\n".join((line, *headers, b"", body))
