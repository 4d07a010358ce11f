"""HTTP with the servers that keep secrets: no redirects, bounds on time and size, nothing quoted."""

import json
import ssl
from collections.abc import Mapping
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, HTTPSHandler, Request, build_opener

from agents.secrets.errors import SecretsUnavailable

_TIMEOUT_S: Final = 5.0
_MAX_ANSWER_BYTES: Final = 1024 * 1024
_MAY_PASS: Final = frozenset({429, 500, 502, 503, 504})


class SecretServer:
    """One server, called `name` in errors. `trusted` checks its certificate. Blocks. Raises SecretsUnavailable."""

    def __init__(self, name: str, trusted: ssl.SSLContext | None = None) -> None:
        self._name = name
        self._opener = build_opener(_NoRedirects(), HTTPSHandler(context=trusted or ssl.create_default_context()))

    def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and answer; an empty object where that is none."""
        status, said = self.ask_text(method, url, headers, body)
        return status, _object(said)

    def ask_text(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> tuple[int, bytes]:
        """Status, and what was answered."""
        request = Request(url, body, dict(headers), method=method)
        try:
            with self._opener.open(request, timeout=_TIMEOUT_S) as answer:
                status, said = answer.status, answer.read(_MAX_ANSWER_BYTES)
        except HTTPError as refused:
            with refused:
                status, said = refused.code, refused.read(_MAX_ANSWER_BYTES)
        except (OSError, HTTPException, ValueError) as error:
            raise SecretsUnavailable(f"{self._name} does not answer: {error}") from None
        if status in _MAY_PASS:
            raise SecretsUnavailable(f"{self._name} cannot answer now: status {status}")
        return status, said


class _NoRedirects(HTTPRedirectHandler):
    """What logs in goes to the server that is set, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
