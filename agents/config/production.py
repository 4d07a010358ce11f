"""What SKILLSTREAM_ENV=production refuses: settings that do on one machine, and are an open door elsewhere."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from agents.config.addresses import is_loopback

MIN_PRODUCTION_CHARS: Final = 24
_MAKE_ONE: Final = "python3 -c 'import secrets; print(secrets.token_urlsafe(24))' makes one"
_EXAMPLE: Final = re.compile(
    "change[-_ ]?me|example|password|passphrase|default|secret|letmein|placeholder|skillstream|your[-_ ]|test[-_ ]",
    re.IGNORECASE,
)
_UNCHECKED: Final = frozenset({("ssl_cert_reqs", "none"), ("ssl_check_hostname", "false")})
_TOKENS: Final = ("web_token", "reader_token", "inference_token", "header_key", "proxy_secret")

Values = Mapping[str, Any]
"""All settings, by name."""


def production_problem(settings: Values, environment: Mapping[str, str]) -> str | None:
    """All that is refused, a sentence each, with what to set instead; None where nothing is. `environment` says where
    secrets are kept.
    """
    found = [*_of_kafka(settings), *_of_redis(settings), *_of_pages(settings), *_of_tokens(settings)]
    if _is_plaintext(settings["openai_base_url"]):
        found.append("The model's key is sent in plaintext: begin OPENAI_BASE_URL with https://.")
    if _is_plaintext(environment.get("VAULT_ADDR")):
        found.append("Vault is asked in plaintext: begin VAULT_ADDR with https://.")
    of_aws = ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SECRETS_MANAGER", "AWS_ENDPOINT_URL_STS")
    plain = [name for name in of_aws if _is_plaintext(environment.get(name))]
    found += [f"AWS is asked in plaintext: begin {name} with https://." for name in plain]
    return f"SKILLSTREAM_ENV=production refuses this. {' '.join(found)}" if found else None


def _of_kafka(settings: Values) -> Iterator[str]:
    security = settings["broker_security"]
    if not security.endswith("ssl"):
        yield (
            f"Kafka is asked in plaintext (SKILLSTREAM_BROKER_SECURITY is {security}): set it to sasl_ssl, or to ssl "
            "with SKILLSTREAM_BROKER_CERTIFICATE and _KEY."
        )
    elif security == "ssl" and not settings["broker_certificate"]:
        yield (
            "Kafka is not told who asks: set SKILLSTREAM_BROKER_CERTIFICATE and _KEY, or "
            "SKILLSTREAM_BROKER_SECURITY to sasl_ssl."
        )
    if _EXAMPLE.search(settings["broker_password"]):
        yield "Kafka's password reads like one of an example: change it there and in SKILLSTREAM_BROKER_PASSWORD."


def _of_redis(settings: Values) -> Iterator[str]:
    url = settings["redis_url"]
    if not url or url.startswith("unix:"):
        return
    parts = urlsplit(url)
    asked = {name.lower(): value.lower() for name, value in parse_qsl(parts.query)}
    if parts.scheme.lower() != "rediss":
        yield "Redis is asked in plaintext: begin SKILLSTREAM_REDIS_URL with rediss://."
    if not (parts.password or asked.get("password") or asked.get("ssl_certfile")):
        yield "Redis is not told who asks: put user and password into SKILLSTREAM_REDIS_URL."
    if _EXAMPLE.search(parts.password or asked.get("password", "")):
        yield "Redis's password reads like one of an example: change it there and in SKILLSTREAM_REDIS_URL."
    if _UNCHECKED & asked.items():
        yield (
            "Redis's certificate is not checked: take ssl_cert_reqs and ssl_check_hostname out of "
            "SKILLSTREAM_REDIS_URL, and name the CA by ssl_ca_certs."
        )


def _of_pages(settings: Values) -> Iterator[str]:
    if not is_loopback(settings["web_host"]) and not settings["web_certificate"]:
        yield (
            "The pages are open to the network without TLS: set SKILLSTREAM_WEB_CERTIFICATE and _KEY, or "
            "SKILLSTREAM_WEB_HOST to 127.0.0.1 behind a proxy with TLS."
        )
    if not is_loopback(settings["gateway_host"]) and not settings["gateway_certificate"]:
        yield (
            "The gateway is open to the network without TLS: set SKILLSTREAM_GATEWAY_CERTIFICATE and _PRIVATE_KEY, or "
            "SKILLSTREAM_GATEWAY_HOST to 127.0.0.1 behind a proxy with TLS."
        )
    if _is_plaintext(settings["advertised_url"]):
        yield "Workers are to ask each other in plaintext: begin SKILLSTREAM_ADVERTISED_URL with https://."
    if not settings["web_token"]:
        yield f"The pages are open to everybody on this machine: set SKILLSTREAM_WEB_TOKEN ({_MAKE_ONE})."


def _of_tokens(settings: Values) -> Iterator[str]:
    for name in _TOKENS:
        variable = f"SKILLSTREAM_{name.upper()}"
        keys = [key.strip() for key in settings[name].split(",")] if name == "header_key" else [settings[name]]
        if any(key and len(key) < MIN_PRODUCTION_CHARS for key in keys):
            yield f"{variable} has fewer than {MIN_PRODUCTION_CHARS} characters: set a longer one ({_MAKE_ONE})."
        elif any(_EXAMPLE.search(key) for key in keys):
            yield f"{variable} reads like one of an example: set one of your own ({_MAKE_ONE})."


def _is_plaintext(url: str | None) -> bool:
    parts = urlsplit(url or "")
    return parts.scheme.lower() == "http" and not is_loopback(parts.hostname or "")
