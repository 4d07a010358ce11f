"""HashiCorp Vault's KV secrets engine, version 2, over its HTTP API; OpenBao's is the same.

    vault:MOUNT/PATH#FIELD       GET VAULT_ADDR/v1/MOUNT/data/PATH

The variables are Vault's own: VAULT_ADDR, VAULT_NAMESPACE, VAULT_CACERT; and to log in VAULT_TOKEN, or VAULT_TOKEN_FILE
(read for each request: an agent renews it), or VAULT_ROLE_ID with VAULT_SECRET_ID or VAULT_SECRET_ID_FILE (AppRole).
"""

import json
import ssl
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from agents.secrets.errors import SecretUnusable
from agents.secrets.files import read_secret_file
from agents.secrets.http import SecretServer

_FORBIDDEN: Final = 403


class Vault:
    """Of one process. Raises SecretUnusable where the environment does not say where it is, or who asks."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._address = environment.get("VAULT_ADDR", "").rstrip("/")
        if urlsplit(self._address).scheme not in ("http", "https") or "@" in self._address:
            raise SecretUnusable("a secret is kept in Vault: set VAULT_ADDR to https://host:8200")
        self._token = ""
        try:
            context = ssl.create_default_context(cafile=environment.get("VAULT_CACERT") or None)
        except OSError as error:
            raise SecretUnusable(f"VAULT_CACERT cannot be read: {error.strerror or error}") from None
        self._server = SecretServer(f"Vault, at {self._address},", context)

    def document(self, name: str) -> Mapping[str, Any]:
        """The fields of the secret at MOUNT/PATH. Blocks. Raises SecretUnusable, SecretsUnavailable."""
        mount, _, path = name.strip("/").partition("/")
        asked = f"/v1/{quote(mount)}/data/{quote(path)}"
        had_token = bool(self._token)
        status, answer = self._ask("GET", asked, {"X-Vault-Token": self._logged_in()})
        if status == _FORBIDDEN and had_token and self._is_by_role:
            self._token = ""  # its time to live is over
            status, answer = self._ask("GET", asked, {"X-Vault-Token": self._logged_in()})
        if status == _FORBIDDEN:
            raise SecretUnusable(f"Vault refuses to show {name}: is the token valid, and may its policies read it?")
        data = (answer.get("data") or {}).get("data")
        if status != 200 or not isinstance(data, dict):
            raise SecretUnusable(f"Vault has no secret at {name} (status {status}): is {mount} a KV engine, version 2?")
        return data

    @property
    def _is_by_role(self) -> bool:
        given = self._environment
        return bool(given.get("VAULT_ROLE_ID")) and not (given.get("VAULT_TOKEN") or given.get("VAULT_TOKEN_FILE"))

    def _logged_in(self) -> str:
        """A token."""
        given = self._environment
        if token := given.get("VAULT_TOKEN", "").strip():
            return token
        if file := given.get("VAULT_TOKEN_FILE"):
            return read_secret_file("VAULT_TOKEN_FILE", file)
        if not given.get("VAULT_ROLE_ID"):
            raise SecretUnusable(
                "a secret is kept in Vault: set VAULT_TOKEN, VAULT_TOKEN_FILE, or VAULT_ROLE_ID with VAULT_SECRET_ID"
            )
        if not self._token:
            self._token = self._by_role()
        return self._token

    def _by_role(self) -> str:
        given = self._environment
        secret = given.get("VAULT_SECRET_ID", "").strip()
        if not secret and (file := given.get("VAULT_SECRET_ID_FILE")):
            secret = read_secret_file("VAULT_SECRET_ID_FILE", file)
        body = {"role_id": given["VAULT_ROLE_ID"].strip(), **({"secret_id": secret} if secret else {})}
        status, answer = self._ask("POST", "/v1/auth/approle/login", {}, body)
        token = (answer.get("auth") or {}).get("client_token")
        if status != 200 or not isinstance(token, str):
            raise SecretUnusable(f"Vault refuses the AppRole (status {status}): see VAULT_ROLE_ID and VAULT_SECRET_ID")
        return token

    def _ask(
        self, method: str, path: str, headers: Mapping[str, str], body: Mapping[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        sent = {"X-Vault-Request": "true", **headers}
        if namespace := self._environment.get("VAULT_NAMESPACE"):
            sent["X-Vault-Namespace"] = namespace
        data = None if body is None else json.dumps(body).encode()
        return self._server.ask(method, self._address + path, sent, data)
