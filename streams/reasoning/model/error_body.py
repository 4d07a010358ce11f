"""The error that a server reports, whatever its form: OpenAI's object, a bare text, a list, FastAPI's `detail`.

{"error": {"message", "type", "param", "code"}}        OpenAI, Azure, Groq, OpenRouter (also with status 200)
{"message": {"detail": [{"loc": ["body", "store"]}]}}  Mistral        {"detail": […]}   FastAPI
[{"error": {"code", "message", "status"}}]             Gemini         {"error": "…"}    Ollama
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

_NAMES: Final = ("code", "type", "status")
_STATUSES: Final = {"rate_limit_exceeded": 429, "rate_limit_error": 429, "insufficient_quota": 429}
_MAX_DEPTH: Final = 8
_MAX_NODES: Final = 500
_MAX_CHARS: Final = 500
_WORD: Final = re.compile(r"[a-z0-9_]{1,64}\Z")


@dataclass(frozen=True, slots=True)
class ReportedError:
    """An HTTP status, the error's codes, and all its words (lower case; to look for some in, never to quote)."""

    status: int
    codes: tuple[str, ...]
    words: str

    @classmethod
    def of(cls, status: int, body: object) -> "ReportedError":
        """Read `body`, parsed JSON or a text, as far as its first 500 parts go."""
        parts = list(islice(_parts(body, _MAX_DEPTH), _MAX_NODES))
        codes = (code for part in parts if isinstance(part, dict) for code in _codes(part))
        words = (part[:_MAX_CHARS].lower() for part in parts if isinstance(part, str))
        return cls(status, tuple(dict.fromkeys(codes)), " ".join(words))

    @classmethod
    def of_success(cls, body: Mapping[str, Any]) -> "ReportedError | None":
        """The error in an answer of status 200, None where it reports none. Its status is its code, or else 500."""
        error = body.get("error")
        if not error:
            return None
        reported = cls.of(500, {"code": error} if isinstance(error, str | int) else error)
        return replace(reported, status=next((status for code in reported.codes if (status := _status_of(code))), 500))

    @property
    def name(self) -> str:
        """The first code that is one word, for people."""
        return next((code for code in self.codes if _WORD.match(code)), "no code")

    def includes(self, codes: Collection[str]) -> bool:
        """Whether one of `codes`, in lower case, is reported."""
        return any(code in codes for code in self.codes)


def _parts(reported: object, depth: int) -> Iterator[object]:
    """`reported` and all that is in it, outermost first."""
    yield reported
    inside = reported.values() if isinstance(reported, dict) else reported if isinstance(reported, list) else ()
    if depth > 0:
        for part in inside:
            yield from _parts(part, depth - 1)


def _codes(reported: Mapping[str, object]) -> Iterator[str]:
    for name in _NAMES:
        value = reported.get(name)
        if isinstance(value, str) and 0 < len(value) <= _MAX_CHARS:
            yield value.lower()
        elif isinstance(value, int) and 0 < value < 1_000:
            yield str(int(value))


def _status_of(code: str) -> int | None:
    number = int(code) if code.isascii() and code.isdigit() else 0
    return number if 400 <= number <= 599 else _STATUSES.get(code)
