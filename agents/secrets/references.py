"""Settings that say where a secret is kept, instead of the secret: `vault:PATH#FIELD`, `aws-sm:NAME#FIELD`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from time import monotonic
from typing import Any, Final, Protocol

from agents.secrets.errors import SecretUnusable

VAULT: Final = "vault:"
AWS: Final = "aws-sm:"
_SAME_LOOK_S: Final = 1.0
"""Settings that name fields of one secret are read from one answer: user and password that are rotated go together."""


class SecretStore(Protocol):
    """A server that keeps secrets."""

    def document(self, name: str) -> Mapping[str, Any]:
        """A secret's fields, and the whole of it under the empty name, where it is a text. Blocks.

        Raises SecretUnusable, SecretsUnavailable.
        """
        ...


def is_reference(value: object) -> bool:
    """Whether a setting's value says where its secret is kept."""
    return isinstance(value, str) and value.startswith((VAULT, AWS))


class SecretStores:
    """Those of one process, each opened when it is first needed. `environment` says where they are, and who asks."""

    def __init__(self, environment: Mapping[str, str], clock_s: Callable[[], float] = monotonic) -> None:
        self._environment, self._clock_s = environment, clock_s
        self._opened: dict[str, SecretStore] = {}
        self._read: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}
        self._lock = Lock()

    def location(self, variable: str, reference: str) -> "StoredSecret":
        """The place that the value of `variable` names. Raises SecretUnusable for one that cannot be."""
        scheme = VAULT if reference.startswith(VAULT) else AWS
        rest = reference.removeprefix(scheme).strip()
        name, separator, field = rest.rpartition("#") if "#" in rest else (rest, "", "")
        is_whole = scheme == AWS and not separator
        if not name or not (field or is_whole) or (scheme == VAULT and "/" not in name.strip("/")):
            wanted = "vault:MOUNT/PATH#FIELD" if scheme == VAULT else "aws-sm:NAME#FIELD"
            raise SecretUnusable(f"{variable} begins with {scheme} and is not {wanted}")
        return StoredSecret(variable, self, scheme, name, field)

    def document(self, scheme: str, name: str) -> Mapping[str, Any]:
        """A secret's fields, as they are now. Blocks. Raises SecretUnusable, SecretsUnavailable."""
        with self._lock:
            read_s, document = self._read.get((scheme, name), (-_SAME_LOOK_S, {}))
            if self._clock_s() - read_s < _SAME_LOOK_S:
                return document
            if scheme not in self._opened:
                self._opened[scheme] = _opened(scheme, self._environment)
            document = self._opened[scheme].document(name)
            self._read[scheme, name] = self._clock_s(), document
            return document


@dataclass(frozen=True, slots=True)
class StoredSecret:
    """Implements Location: a field of a secret in a store."""

    variable: str
    stores: SecretStores
    scheme: str
    name: str
    field: str

    def read(self) -> str:
        """See Location. The error names variable and place."""
        try:
            found = self.stores.document(self.scheme, self.name).get(self.field)
        except SecretUnusable as error:
            raise SecretUnusable(f"{self.variable}: {error}") from None
        if not isinstance(found, str) or not found.strip():
            raise SecretUnusable(f"{self.variable}: the secret {self.name} has no text in a field {self.field!r}")
        return found


def _opened(scheme: str, environment: Mapping[str, str]) -> SecretStore:
    if scheme == VAULT:
        from agents.secrets.vault import Vault  # here: few keep secrets there, and all commands read settings

        return Vault(environment)
    from agents.secrets.aws import SecretsManager

    return SecretsManager(environment)
