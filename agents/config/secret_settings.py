"""Which settings may be kept elsewhere, and how that is said.

    SKILLSTREAM_WEB_TOKEN_FILE=/run/secrets/web-token          the secret is what the file holds
    SKILLSTREAM_WEB_TOKEN=vault:secret/skillstream#web_token   … a field of a secret in Vault
    SKILLSTREAM_WEB_TOKEN=aws-sm:skillstream#web_token         … or in AWS Secrets Manager

So for every secret, and for addresses, which may hold one. In a TOML file the names are `web_token_file`, `web_token`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from agents.config import addresses, credentials
from agents.display.redaction import credentials_in
from agents.secrets.errors import SecretUnusable
from agents.secrets.files import SecretFile
from agents.secrets.references import SecretStores, is_reference
from agents.secrets.secret import HeldSecret, Location, Secret

SECRETS: Final = (
    "openai_api_key",
    "header_key",
    "receipt_key",
    "web_token",
    "reader_token",
    "inference_token",
    "broker_password",
    "proxy_secret",
)
WITH_CREDENTIALS: Final = ("redis_url", "openai_base_url", "traces")
"""Addresses that may hold a password."""
STORED_ELSEWHERE: Final = (*SECRETS, *WITH_CREDENTIALS, "broker_user")
ROTATED: Final = frozenset({"openai_api_key", "redis_url", "broker_user", "broker_password"})
"""Read again while workers run; another value of the rest counts from the next start on."""
FILE: Final = "_file"
_OF_STORES: Final = ("VAULT_TOKEN", "VAULT_SECRET_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
PROBLEMS: Final[Mapping[str, Callable[[str], str | None]]] = {
    **addresses.ADDRESS_PROBLEMS,
    **credentials.CREDENTIAL_PROBLEMS,
}

Held = Mapping[str, HeldSecret]
"""By the setting."""


def names_file(name: str) -> bool:
    """Whether a setting's name is that of the file of a secret."""
    return name.endswith(FILE) and name.removesuffix(FILE) in STORED_ELSEWHERE


def overlay(
    values: dict[str, Any], origins: dict[str, str], level: Mapping[str, Any], of_level: Mapping[str, str]
) -> None:
    """Put the settings of `level` over `values`, with where they came from. A secret and its file give way to either.

    Raises SecretUnusable where one level gives both.
    """
    for name in filter(names_file, level):
        secret = name.removesuffix(FILE)
        if level[name] and level.get(secret):
            raise SecretUnusable(f"{of_level[secret]} and {of_level[name]} are both set: take one of them away")
    for name, value in level.items():
        other = name.removesuffix(FILE) if names_file(name) else f"{name}{FILE}"
        if value:
            values.pop(other, None)
        values[name], origins[name] = value, of_level[name]


def read_secrets(values: dict[str, Any], origins: dict[str, str], environment: Mapping[str, str]) -> Held:
    """Put into `values` what is kept elsewhere, each under its setting's name. Blocks where a server is asked.

    Raises SecretUnusable, SecretsUnavailable.
    """
    stores = SecretStores(environment)
    held: dict[str, HeldSecret] = {}
    for name in STORED_ELSEWHERE:
        file, value = values.pop(f"{name}{FILE}", None), values.get(name)
        location: Location
        if file:
            origins[name] = origins[f"{name}{FILE}"]
            location = SecretFile(origins[name], str(file))
        elif is_reference(value):
            location = stores.location(origins[name], str(value))
        else:
            continue
        held[name] = HeldSecret(name, origins[name], location, PROBLEMS.get(name, _nothing_wrong), _hidden_of(name))
        values[name] = held[name].value
    return held


def hidden_in(values: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    """What must not be shown from now on, be the settings good or not."""
    of_settings = [
        each for name in (*SECRETS, *WITH_CREDENTIALS, "broker") for each in _hidden_of(name)(values.get(name))
    ]
    return [*of_settings, *(secret.strip() for name in _OF_STORES if (secret := environment.get(name)))]


def as_secrets(values: dict[str, Any], held: Held) -> None:
    """Make secrets of the values that are, in place."""
    for name in SECRETS:
        values[name] = Secret(values.get(name, "").strip(), held.get(name))
    for name in WITH_CREDENTIALS:
        values[name] = Secret(values[name], held.get(name)) if values.get(name) else None
    if "broker_user" in held:
        values["broker_user"] = Secret(values["broker_user"], held["broker_user"])


def held_in(values: Mapping[str, Any]) -> list[HeldSecret]:
    """The secrets among the settings that can be read again."""
    return [value.held for value in values.values() if isinstance(value, Secret) and value.held is not None]


def _hidden_of(name: str) -> Callable[[Any], Iterator[str]]:
    def hidden(value: Any) -> Iterator[str]:
        text = str(value or "").strip()
        if name in SECRETS and text:
            yield text
        elif name != "broker_user":
            yield from credentials_in(text)

    return hidden


def _nothing_wrong(_: str) -> None:
    return None
