"""A stand-in for HashiCorp Vault: the KV engine, version 2, at `secret`; tokens and AppRole, as in its HTTP API."""

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from tests.servers.loopback_http import Asked, LoopbackHttp

TOKEN: Final = "hvs.stand-in-token-0001"
ROLE_ID: Final = "stand-in-role-id"
SECRET_ID: Final = "stand-in-secret-id"
_FORBIDDEN: Final = (403, {"errors": ["permission denied"]})
_NOT_FOUND: Final[tuple[int, Mapping[str, Any]]] = (404, {"errors": []})
_ENGINE: Final = "/v1/secret/data/"


class StandInVault(LoopbackHttp):
    """`secrets` are by path; `tokens` are those that are valid now; `broken` answers every request with a status."""

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.secrets: dict[str, Mapping[str, Any]] = {}
        self.tokens = {TOKEN}
        self.broken: int | None = None
        self.log_ins = 0

    def _respond(self, asked: Asked) -> tuple[int, Mapping[str, Any]]:
        if self.broken is not None:
            return self.broken, {"errors": ["broken"], "location": "http://127.0.0.1:1/"}
        if (asked.method, asked.path) == ("POST", "/v1/auth/approle/login"):
            return self._log_in(asked.body)
        if asked.headers.get("x-vault-token") not in self.tokens or "x-vault-request" not in asked.headers:
            return _FORBIDDEN
        found = self.secrets.get(unquote(asked.path).removeprefix(_ENGINE))
        if asked.method != "GET" or not asked.path.startswith(_ENGINE) or found is None:
            return _NOT_FOUND
        return 200, {"data": {"data": found, "metadata": {"version": 1, "destroyed": False}}}

    def _log_in(self, given: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
        if (given.get("role_id"), given.get("secret_id")) != (ROLE_ID, SECRET_ID):
            return 400, {"errors": ["invalid role or secret ID"]}
        self.log_ins += 1
        token = f"hvs.of-the-role-{self.log_ins:04}"
        self.tokens.add(token)
        return 200, {"auth": {"client_token": token, "lease_duration": 60, "renewable": True}}
