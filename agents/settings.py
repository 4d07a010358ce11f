"""Settings: read once, at the start, from the environment and an optional TOML file; one frozen object after that.

`SKILLSTREAM_<NAME>` wins over the file's `<name>`. The file is named by `SKILLSTREAM_CONFIG` or `--config`. The keys
of other programs keep their own names: `OPENAI_API_KEY`, `OPENAI_BASE_URL`.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, Struct

from agents.connection import Access, Broker, Mechanism, Security
from schemas.errors import Fatal, SkillstreamError

PREFIX: Final = "SKILLSTREAM_"
_FOREIGN: Final = {"OPENAI_API_KEY": "openai_api_key", "OPENAI_BASE_URL": "openai_base_url"}
_SECRETS: Final = ("openai_api_key", "pseudonym_secret", "web_token", "broker_password")
_HIDDEN: Final = (*_SECRETS, "redis_url", "openai_base_url")  # a URL may hold a password
_EMPTY_IS_NONE: Final = (
    "redis_url",
    "openai_base_url",
    "instance_id",
    "mapping",
    "broker_ca",
    "broker_certificate",
    "broker_key",
)
_SHOWN_CHARS: Final = 40

Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


class SettingsError(SkillstreamError):
    """A setting that cannot be used; the message names it."""


class Secret(str):
    """A string that does not show itself in logs and tracebacks."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "Secret('…')" if self else "Secret('')"


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be set. Times in seconds, sizes in bytes."""

    app_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,200}$")] = "skillstream"
    broker: str = "127.0.0.1:9092"
    broker_security: Security = "plaintext"
    broker_mechanism: Mechanism = "PLAIN"
    broker_user: str = ""
    broker_password: str = ""
    broker_ca: str | None = None
    broker_certificate: str | None = None
    broker_key: str | None = None
    topic_prefix: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,100}$")] = ""
    partitions: Annotated[int, Meta(ge=1, le=10_000)] = 4
    replication: Positive = 1
    partitioner: Literal["murmur2", "crc32", "unchecked"] = "murmur2"
    epoch: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] = 0
    instance_id: str | None = None
    standby_replicas: Annotated[int, Meta(ge=0, le=4)] = 0
    max_batch_records: Positive = 50_000
    session_timeout_s: Annotated[float, Meta(ge=1, le=30)] = 10.0
    start_timeout_s: Seconds = 30.0
    drain_timeout_s: Seconds = 20.0
    store: Literal["memory", "rocksdb"] = "memory"
    store_dir: str = ".skillstream"
    store_memory_mb: Annotated[int, Meta(ge=16, le=1_000_000)] = 256
    dead_letter_max_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.5
    dead_letter_min_records: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    dead_letter_max_consecutive: Annotated[int, Meta(ge=0, le=100_000)] = 1_000

    skills: str = "default"
    model: str = "default"
    mapping: str | None = None

    redis_url: str | None = None
    expected_workers: Positive = 1
    reasoning: Literal["openai", "scripted", "off"] = "openai"
    openai_api_key: str = ""
    openai_base_url: str | None = None
    openai_models: tuple[str, ...] = ("gpt-4.1", "gpt-6-luna")
    openai_timeout_s: Seconds = 30.0
    calls_per_minute: Positive = 50
    calls_per_hour: Positive = 500
    seed_limits: bool = False
    explain_cooldown_s: Annotated[float, Meta(ge=0)] = 600.0
    pseudonym_secret: str = ""

    web_host: str = "127.0.0.1"
    web_port: Port = 6066
    web_token: str = ""
    stall_after_s: Seconds = 90.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    def topic(self, name: str) -> str:
        """A topic's full name."""
        return f"{self.topic_prefix}{name}"


def load_settings(environment: Mapping[str, str], config: str | None = None, **given: Any) -> Settings:
    """Settings from the file, overridden by the environment, overridden by what is `given` (None: not given).

    Raises SettingsError naming the setting and where it came from.
    """
    path = config or environment.get(f"{PREFIX}CONFIG")
    values: dict[str, Any] = _from_file(path) if path else {}
    places = dict.fromkeys(values, f"{path}: ")
    for name, value in environment.items():
        field = _FOREIGN.get(name) or (name[len(PREFIX) :].lower() if name.startswith(PREFIX) else None)
        if field in Settings.__struct_fields__:
            values[field] = value
            places[field] = f"{name}: "
        elif field is not None and not name.startswith((f"{PREFIX}TEST_", f"{PREFIX}REQUIRE_")) and field != "config":
            raise SettingsError(f"{name}: there is no such setting")
    values |= {name: value for name, value in given.items() if value is not None}
    if isinstance(values.get("openai_models"), str):
        values["openai_models"] = [part.strip() for part in values["openai_models"].split(",") if part.strip()]
    for field in _EMPTY_IS_NONE:
        values[field] = values.get(field) or None
    return _convert(values, places)


def require_secrets(settings: Settings) -> None:
    """Raise SettingsError where explanations are to come from OpenAI and there is no key, or where the secret of
    students' names in them can be guessed.
    """
    from streams.reasoning.pseudonym import Pseudonyms  # loads all of reasoning: not for those who only ask for help

    if settings.reasoning != "off" and settings.pseudonym_secret:
        try:
            Pseudonyms(settings.pseudonym_secret.encode())
        except Fatal as error:
            raise SettingsError(f"SKILLSTREAM_PSEUDONYM_SECRET: {error}") from None
    if settings.reasoning == "openai" and not settings.openai_api_key:
        raise SettingsError(
            "OPENAI_API_KEY is missing or empty: set it, or choose explanations without OpenAI "
            "(SKILLSTREAM_REASONING=scripted) or none (SKILLSTREAM_REASONING=off)"
        )


def _from_file(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"settings file {path}: {error}") from None


def _convert(values: dict[str, Any], places: Mapping[str, str]) -> Settings:
    """Check field by field, so that the error can name the variable."""
    for field in msgspec.structs.fields(Settings):
        if field.name in values:
            try:
                values[field.name] = msgspec.convert(values[field.name], field.type, strict=False)
            except msgspec.ValidationError as error:
                shown = "" if field.name in _HIDDEN else f", not {str(values[field.name])[:_SHOWN_CHARS]!r}"
                raise SettingsError(f"{places.get(field.name, '')}{field.name}: {error}{shown}") from None
    unknown = set(values) - set(Settings.__struct_fields__)
    if unknown:
        name = min(unknown)
        raise SettingsError(f"{places.get(name, '')}{name}: there is no such setting")
    if not values.get("openai_models", ("",)):
        raise SettingsError("openai_models: name at least one model")
    for secret in _SECRETS:
        values[secret] = Secret(values.get(secret, "").strip())
    for url in ("redis_url", "openai_base_url"):
        values[url] = Secret(values[url]) if values.get(url) else None
    settings = Settings(**values)
    access = _access(settings)
    if (problem := access.problem()) is not None:
        raise SettingsError(problem)
    return msgspec.structs.replace(settings, broker=Broker(settings.broker, access))


def _access(settings: Settings) -> Access:
    return Access(
        security=settings.broker_security,
        mechanism=settings.broker_mechanism,
        user=settings.broker_user,
        password=settings.broker_password,
        ca=settings.broker_ca,
        certificate=settings.broker_certificate,
        key=settings.broker_key,
    )
