"""SKILLSTREAM_ENV=production: what it refuses, each with what to set instead, and all of it at once."""

from typing import Final

import pytest

from agents.config.settings import SettingsError, load_settings

TOKENS: Final = [f"Zk3vQ9xLm2Rt8Yw5Bn1Hc7Ju4Pd{end}" for end in "ABCD"]
GOOD: Final = {
    "SKILLSTREAM_ENV": "production",
    "SKILLSTREAM_BROKER_SECURITY": "sasl_ssl",
    "SKILLSTREAM_BROKER_USER": "worker",
    "SKILLSTREAM_BROKER_PASSWORD": "of-the-broker",
    "SKILLSTREAM_REDIS_URL": "rediss://worker:of-redis@redis.school.org:6380/0",
    "SKILLSTREAM_WEB_TOKEN": TOKENS[0],
    "SKILLSTREAM_READER_TOKEN": TOKENS[1],
    "SKILLSTREAM_INFERENCE_TOKEN": TOKENS[2],
    "SKILLSTREAM_HEADER_KEY": f"{TOKENS[3]},{TOKENS[2]}",
}
REFUSED: Final = [
    ({"BROKER_SECURITY": "sasl_plaintext"}, "Kafka is asked in plaintext (SKILLSTREAM_BROKER_SECURITY is sasl_"),
    (
        {"BROKER_SECURITY": "plaintext", "BROKER_USER": "", "BROKER_PASSWORD": ""},
        "Kafka is asked in plaintext (SKILLSTREAM_BROKER_SECURITY is plaintext): set it to sasl_ssl",
    ),
    ({"BROKER_SECURITY": "ssl", "BROKER_USER": ""}, "Kafka is not told who asks: set SKILLSTREAM_BROKER_CERTIFICATE"),
    ({"REDIS_URL": "redis://u:pw@redis:6379"}, "Redis is asked in plaintext: begin SKILLSTREAM_REDIS_URL with redi"),
    ({"REDIS_URL": "rediss://redis:6379"}, "Redis is not told who asks"),
    ({"REDIS_URL": "rediss://u:pw@redis?ssl_cert_reqs=none"}, "Redis's certificate is not checked"),
    ({"REDIS_URL": "rediss://u:pw@redis?ssl_check_hostname=False"}, "Redis's certificate is not checked"),
    ({"REDIS_URL": "rediss://u:laptop-only-not-a-secret@redis"}, "Redis's password reads like one of an example"),
    ({"BROKER_PASSWORD": "changeme"}, "Kafka's password reads like one of an example"),
    ({"WEB_HOST": "0.0.0.0"}, "The pages are open to the network without TLS: set SKILLSTREAM_WEB_CERTIFICATE"),
    ({"WEB_HOST": ""}, "The pages are open to the network without TLS"),
    ({"GATEWAY_HOST": "0.0.0.0"}, "The gateway is open to the network without TLS: set SKILLSTREAM_GATEWAY_C"),
    ({"ADVERTISED_URL": "http://worker-1:6066"}, "begin SKILLSTREAM_ADVERTISED_URL with https://"),
    ({"WEB_TOKEN": ""}, "The pages are open to everybody on this machine: set SKILLSTREAM_WEB_TOKEN"),
    ({"WEB_TOKEN": "Zk3vQ9xLm2Rt8Yw5"}, "SKILLSTREAM_WEB_TOKEN has fewer than 24 characters"),
    ({"READER_TOKEN": "the-demo-has-no-secret-23"}, "SKILLSTREAM_READER_TOKEN reads like one of an example"),
    ({"INFERENCE_TOKEN": "change-me-change-me-please"}, "SKILLSTREAM_INFERENCE_TOKEN reads like one of an example"),
    ({"HEADER_KEY": f"{TOKENS[3]},short"}, "SKILLSTREAM_HEADER_KEY has fewer than 24 characters"),
    ({"OPENAI_BASE_URL": "http://gateway.school.org/v1"}, "begin OPENAI_BASE_URL with https://"),
    ({"VAULT_ADDR": "http://vault.school.org:8200"}, "begin VAULT_ADDR with https://"),
    ({"AWS_ENDPOINT_URL_STS": "http://sts.school.org"}, "begin AWS_ENDPOINT_URL_STS with https://"),
]


def changed(changes: dict[str, str]) -> dict[str, str]:
    own = ("OPENAI_BASE_URL", "VAULT_ADDR", "AWS_ENDPOINT_URL_STS")
    return GOOD | {name if name in own else f"SKILLSTREAM_{name}": value for name, value in changes.items()}


@pytest.mark.parametrize(("changes", "said"), REFUSED, ids=lambda part: part if isinstance(part, str) else None)
def test_what_is_refused_is_said_with_what_to_set(changes: dict[str, str], said: str) -> None:
    environment = changed(changes)
    if environment["SKILLSTREAM_BROKER_SECURITY"] == "ssl":
        environment |= {"SKILLSTREAM_BROKER_PASSWORD": ""}

    with pytest.raises(SettingsError) as error:
        load_settings(environment)
    assert str(error.value).startswith("SKILLSTREAM_ENV=production refuses this. ")
    assert said in str(error.value)
    assert str(error.value).count(": ") == 1  # the others are not complained of
    for secret in ("of-the-broker", "of-redis", ":pw@", "the-demo", "change-me", "laptop", "changeme", *TOKENS):
        assert secret not in str(error.value)

    load_settings(environment | {"SKILLSTREAM_ENV": "development"})


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"REDIS_URL": ""},
        {"REDIS_URL": "unix:///run/redis.sock"},
        {"REDIS_URL": "rediss://redis?ssl_certfile=/etc/worker.pem&ssl_keyfile=/etc/worker.key"},
        {"ADVERTISED_URL": "https://worker-1:6066"},
        {"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"},
        {"VAULT_ADDR": "http://localhost:8100"},
        {"WEB_HOST": "::1"},
        {"READER_TOKEN": "", "INFERENCE_TOKEN": "", "HEADER_KEY": ""},
    ],
)
def test_what_is_locked_is_taken(changes: dict[str, str]) -> None:
    assert load_settings(changed(changes)).env == "production"


def test_all_problems_are_said_at_once() -> None:
    with pytest.raises(SettingsError) as error:
        load_settings(
            {"SKILLSTREAM_ENV": "production", "SKILLSTREAM_REDIS_URL": "redis://redis", "SKILLSTREAM_WEB_HOST": "::"}
        )

    said = str(error.value)
    for name in ("BROKER_SECURITY", "REDIS_URL with rediss", "user and password into", "WEB_CERTIFICATE", "WEB_TOKEN"):
        assert name in said, said


def test_another_env_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"SKILLSTREAM_ENV: .* is not one of development, production"):
        load_settings({"SKILLSTREAM_ENV": "prod"})
