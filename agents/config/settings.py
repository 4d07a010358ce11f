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

from agents.config.pages_tls import pages_tls_problem
from agents.config.production import production_problem
from agents.config.secret_settings import (
    PROBLEMS,
    SECRETS,
    WITH_CREDENTIALS,
    Held,
    as_secrets,
    hidden_in,
    names_file,
    overlay,
    read_secrets,
)
from agents.display.plain import plain, quoted
from agents.display.redaction import redact
from agents.kafka.connection import Broker, BrokerAccess, Compression, Mechanism, Security
from agents.secrets.errors import SecretUnusable
from schemas.configuration.constraints import allowed
from schemas.configuration.similar import did_you_mean
from schemas.errors import SkillstreamError
from schemas.topics import ATTENTION, DEAD_LETTER_DAYS, TOPICS
from streams.rows.row import COMPONENTS_PER_STUDENT, KNOWN_IDS, MAX_COMPONENTS_PER_STUDENT, MAX_KNOWN_IDS, RECENT_IDS

ENV_PREFIX: Final = "SKILLSTREAM_"
_FOREIGN: Final = {
    "OPENAI_API_KEY": "openai_api_key",
    "OPENAI_API_KEY_FILE": "openai_api_key_file",
    "OPENAI_BASE_URL": "openai_base_url",
    "OPENAI_BASE_URL_FILE": "openai_base_url_file",
}
_HIDDEN: Final = (*SECRETS, *WITH_CREDENTIALS, "broker")  # addresses may hold a password, asked for or not
_LISTS: Final = ("openai_models", "openai_prices", "web_hosts", "model_signers", "proxy_addresses")  # with commas
_OTHER_TOPICS: Final = frozenset(topic.name for topic in TOPICS if topic is not ATTENTION)
_EMPTY_IS_NONE: Final = (
    "redis_url",
    "openai_base_url",
    "instance_id",
    "mapping",
    "tenants",
    "broker_ca",
    "broker_certificate",
    "broker_key",
    "web_certificate",
    "web_key",
    "web_ca",
    "advertised_url",
    "traces",
    "gateway_certificate",
    "gateway_private_key",
)

PositiveInt = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Tokens = Annotated[int, Meta(ge=0, le=1_000_000_000)]
Usd = Annotated[float, Meta(ge=0, le=1_000_000)]
PositiveSeconds = Annotated[float, Meta(gt=0, le=86_400)]
Port = Annotated[int, Meta(ge=0, le=65_535)]


class SettingsError(SkillstreamError):
    """A setting that cannot be used; the message names it."""


class Settings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything that can be set. Times in seconds, sizes in bytes."""

    env: Literal["development", "production"] = "development"
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
    attention_topic: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{0,149}$")] = ""
    partitions: Annotated[int, Meta(ge=1, le=10_000)] = 4
    replication: PositiveInt = 1
    partitioner: Literal["murmur2", "crc32", "unchecked"] = "murmur2"
    epoch: Annotated[int, Meta(ge=0, le=0xFFFF_FFFF)] = 0
    header_key: str = ""
    receipt_key: str = ""
    known_ids: Annotated[int, Meta(ge=RECENT_IDS, le=MAX_KNOWN_IDS)] = KNOWN_IDS
    components_per_student: Annotated[int, Meta(ge=1, le=MAX_COMPONENTS_PER_STUDENT)] = COMPONENTS_PER_STUDENT
    norms: Literal["on", "off"] = "on"
    norm_items: Annotated[int, Meta(ge=1_000, le=1_000_000)] = 100_000
    instance_id: str | None = None
    standby_replicas: Annotated[int, Meta(ge=0, le=4)] = 0
    max_batch_records: PositiveInt = 50_000
    collect_ms: Annotated[int, Meta(ge=1, le=1_000)] = 10
    compression: Compression = "zstd"
    batch_max_unpacked_mb: Annotated[int, Meta(ge=16, le=2_000)] = 100
    session_timeout_s: Annotated[float, Meta(ge=1, le=30)] = 10.0
    start_timeout_s: PositiveSeconds = 30.0
    broker_wait_s: PositiveSeconds = 600.0
    drain_timeout_s: PositiveSeconds = 20.0
    store: Literal["memory", "rocksdb"] = "memory"
    store_dir: str = ".skillstream"
    store_memory_mb: Annotated[int, Meta(ge=16, le=1_000_000)] = 256
    on_position_jump: Literal["continue", "stop"] = "continue"
    dead_letter_max_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.5
    dead_letter_min_records: Annotated[int, Meta(ge=1, le=100_000)] = 1_000
    dead_letter_max_consecutive: Annotated[int, Meta(ge=0, le=100_000)] = 1_000
    dead_letter_redaction: Literal["off", "hash"] = "off"
    dead_letter_keys: Literal["record", "unique"] = "record"
    dead_letter_retention_days: Annotated[int, Meta(ge=1, le=3_650)] = DEAD_LETTER_DAYS

    record_max_bytes: Annotated[int, Meta(ge=1_024, le=1_048_576)] = 1_048_576
    record_max_events: Annotated[int, Meta(ge=1, le=10_000)] = 5_000
    record_max_students: Annotated[int, Meta(ge=1, le=10_000)] = 1_000

    skills: str = "default"
    model: str = "default"
    model_signers: tuple[str, ...] = ()
    fusion_config_poll_s: PositiveSeconds = 2.0
    rescore_students_per_s: PositiveInt = 1_000
    norms_every_s: Annotated[float, Meta(ge=1, le=31_536_000)] = 86_400.0
    norms_poll_s: PositiveSeconds = 10.0
    mapping: str | None = None
    tenants: str | None = None
    identities_mb: Annotated[int, Meta(ge=0, le=100_000)] = 0

    redis_url: str | None = None
    expected_workers: PositiveInt = 1
    reasoning: Literal["openai", "scripted", "off"] = "openai"
    language: Literal["en", "es", "de", "fr"] = "en"
    openai_api_key: str = ""
    openai_base_url: str | None = None
    openai_models: tuple[str, ...] = ("gpt-4.1", "gpt-6-luna")
    openai_timeout_s: PositiveSeconds = 30.0
    openai_max_reply_kb: Annotated[int, Meta(ge=16, le=65_536)] = 256
    openai_max_reply_tokens: Annotated[int, Meta(ge=256, le=131_072)] = 4_096
    openai_prices: tuple[str, ...] = ()
    reasoning_required: bool = False
    calls_per_minute: PositiveInt = 50
    calls_per_hour: PositiveInt = 500
    call_spending: Literal["even", "burst"] = "even"
    calls_at_once: Annotated[int, Meta(ge=1, le=1_000)] = 32
    tokens_per_minute: Tokens = 0
    usd_per_day: Usd = 0.0
    usd_per_week: Usd = 0.0
    usd_per_month: Usd = 0.0
    school_separator: Annotated[str, Meta(pattern=r"^.{0,8}$")] = ""
    school_tokens_per_minute: Tokens = 0
    school_usd_per_day: Usd = 0.0
    school_usd_per_week: Usd = 0.0
    school_usd_per_month: Usd = 0.0
    seed_limits: bool = False
    cached_answers: Annotated[int, Meta(ge=0, le=1_000_000)] = 10_000
    cached_answers_s: Annotated[float, Meta(gt=0, le=31_536_000)] = 86_400.0
    explain_cooldown_s: Annotated[float, Meta(ge=0, le=31_536_000)] = 600.0
    explain_horizon_s: Annotated[float, Meta(gt=0, le=31_536_000)] = 86_400.0

    web_host: str = "127.0.0.1"
    web_port: Port = 6066
    web_token: str = ""
    reader_token: str = ""
    inference_token: str = ""
    proxy_roles: str = ""
    proxy_addresses: tuple[str, ...] = ()
    proxy_secret: str = ""
    proxy_user_header: str = ""
    session_s: Annotated[int, Meta(ge=60, le=2_592_000)] = 28_800
    secrets_poll_s: PositiveSeconds = 30.0
    wrong_tokens_per_minute: Annotated[int, Meta(ge=1, le=10_000)] = 10
    web_certificate: str | None = None
    web_key: str | None = None
    web_ca: str | None = None
    web_hosts: tuple[str, ...] = ()
    web_connections: Annotated[int, Meta(ge=1, le=10_000)] = 100
    web_streams: Annotated[int, Meta(ge=0, le=1_000)] = 16
    web_header_timeout_s: Annotated[float, Meta(gt=0, le=300)] = 10.0
    advertised_url: str | None = None
    announce_every_s: Annotated[float, Meta(ge=0.1, le=3_600)] = 30.0
    queries_per_s: Annotated[int, Meta(ge=1, le=100_000)] = 200
    peer_timeout_s: Annotated[float, Meta(gt=0, le=60)] = 2.0
    inference_requests: Annotated[int, Meta(ge=1, le=100)] = 2
    inference_items: Annotated[int, Meta(ge=1, le=100_000)] = 10_000
    inference_max_mb: Annotated[int, Meta(ge=1, le=1_000)] = 32
    inference_nice: Annotated[int, Meta(ge=0, le=19)] = 19
    inference_pause_s: Annotated[float, Meta(gt=0, le=600)] = 20.0
    inference_timeout_s: PositiveSeconds = 300.0
    seen_names: Annotated[int, Meta(ge=0, le=10_000)] = 200
    gateway_host: str = "127.0.0.1"
    gateway_port: Port = 6080
    gateway_certificate: str | None = None
    gateway_private_key: str | None = None
    gateway_connections: Annotated[int, Meta(ge=1, le=10_000)] = 200
    gateway_max_body_mb: Annotated[int, Meta(ge=1, le=64)] = 8
    gateway_in_flight_mb: Annotated[int, Meta(ge=8, le=2_000)] = 128
    gateway_body_timeout_s: Annotated[float, Meta(gt=0, le=600)] = 30.0
    gateway_ack_timeout_s: Annotated[float, Meta(gt=0, le=600)] = 10.0
    stall_after_s: PositiveSeconds = 90.0
    open_transaction_s: PositiveSeconds = 60.0
    cluster_name: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,64}$")] = "default"
    lag_window_s: Annotated[float, Meta(ge=5, le=600)] = 60.0
    lag_degraded_records: Annotated[int, Meta(ge=0, le=1_000_000_000_000)] = 100_000
    lag_degraded_s: Annotated[float, Meta(ge=0, le=31_536_000)] = 60.0
    lag_failing_records: Annotated[int, Meta(ge=0, le=1_000_000_000_000)] = 1_000_000
    lag_failing_s: Annotated[float, Meta(ge=0, le=31_536_000)] = 600.0
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["text", "json"] = "text"
    log_lines_per_s: Annotated[int, Meta(ge=1, le=100_000)] = 20
    traces: str | None = None
    traces_ratio: Annotated[float, Meta(ge=0, le=1)] = 0.01
    traces_per_batch: Annotated[int, Meta(ge=1, le=1_000)] = 10

    @property
    def explained_by(self) -> Literal["openai", "scripted", "templates", "off"]:
        """Who writes explanations. A model writes English alone: in no other language can its claims be checked."""
        return self.reasoning if self.reasoning == "off" or self.language == "en" else "templates"

    def topic(self, name: str) -> str:
        """A topic's full name."""
        return f"{self.topic_prefix}{name}"


FORMER: Final = ("pseudonym_secret",)
"""Settings that are not read any more: who has them set still can start."""


def load_settings(environment: Mapping[str, str], config: str | None = None, **given: Any) -> Settings:
    """Settings from the file, overridden by the environment, overridden by what is `given` (None: not given). Asks the
    servers that keep secrets, where settings say so.

    Raises SettingsError naming the setting and where it came from; SecretsUnavailable where such a server does not
    answer.
    """
    path = config or environment.get(f"{ENV_PREFIX}CONFIG")
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    of_file = _from_file(path) if path else {}
    in_environment = {field: name for name in environment if (field := _field_of(name)) is not None}
    of_options = {name: value for name, value in given.items() if value is not None}
    try:
        overlay(values, origins, of_file, {name: f"{plain(str(path))}: {name}" for name in of_file})
        from_environment = {field: environment[name] for field, name in in_environment.items()}
        overlay(values, origins, from_environment, in_environment)
        overlay(values, origins, of_options, {name: f"--{name.replace('_', '-')}" for name in of_options})
        redact.know(hidden_in(values, environment))
        held = read_secrets(values, origins, environment)
    except SecretUnusable as error:
        raise SettingsError(str(error)) from None
    redact.know(hidden_in(values, environment))
    for field in _LISTS:
        if isinstance(values.get(field), str):
            values[field] = [part.strip() for part in values[field].split(",") if part.strip()]
    for field in _EMPTY_IS_NONE:
        values[field] = values.get(field) or None
    settings = _convert(values, origins, held)
    if settings.env == "production":
        problem = production_problem(msgspec.structs.asdict(settings), environment)
        if problem is not None:
            raise SettingsError(problem)
    return settings


def _field_of(variable: str) -> str | None:
    """The field that an environment variable sets; None for one of others. Raises SettingsError for a misspelt one."""
    if variable in _FOREIGN:
        return _FOREIGN[variable]
    if not variable.upper().startswith(ENV_PREFIX) or variable.startswith(
        (f"{ENV_PREFIX}TEST_", f"{ENV_PREFIX}REQUIRE_")
    ):
        return None
    field = variable[len(ENV_PREFIX) :].lower()
    if variable == f"{ENV_PREFIX}CONFIG" or field in FORMER:
        return None
    if variable == variable.upper() and (field in Settings.__struct_fields__ or names_file(field)):
        return field
    known = [f"{ENV_PREFIX}{name.upper()}" for name in (*Settings.__struct_fields__, "config")]
    raise SettingsError(f"{plain(variable)}: there is no such setting.{did_you_mean(variable, known)}")


def require_secrets(settings: Settings) -> None:
    """Raise SettingsError where explanations are to come from OpenAI and there is no key."""
    from streams.reasoning.model.defaults import MISSING_KEY

    if settings.explained_by == "openai" and not settings.openai_api_key:
        raise SettingsError(MISSING_KEY)


def _from_file(path: str) -> dict[str, Any]:
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"settings file {path}: {error.strerror}") from None
    except ValueError as error:  # not TOML, not UTF-8, or no path at all
        raise SettingsError(f"settings file {path}: {error}") from None


def _convert(values: dict[str, Any], origins: Mapping[str, str], held: Held) -> Settings:
    """Check field by field, so that the error can name the variable."""
    unknown = set(values) - set(Settings.__struct_fields__)
    if unknown:
        name = min(unknown)
        meant = did_you_mean(name.removeprefix(ENV_PREFIX), Settings.__struct_fields__)
        raise SettingsError(f"{origins.get(name, name)}: there is no such setting.{meant}")
    for field in msgspec.structs.fields(Settings):
        if field.name in values:
            values[field.name] = _checked(field, values[field.name], origins.get(field.name, field.name))
    if not values.get("openai_models", ("",)):
        raise SettingsError(f"{origins.get('openai_models', 'openai_models')}: name at least one model")
    as_secrets(values, held)
    settings = Settings(**values)
    if settings.attention_topic in _OTHER_TOPICS:
        where = origins.get("attention_topic", "attention_topic")
        raise SettingsError(f"{where}: {settings.attention_topic} is a topic for something else already")
    tokens = [token for token in (settings.web_token, settings.reader_token, settings.inference_token) if token]
    if len(set(tokens)) < len(tokens):
        raise SettingsError("of web_token, reader_token and inference_token two are the same: each opens other pages")
    access = _access(settings)
    of_pages = pages_tls_problem(settings.web_certificate, settings.web_key, settings.web_ca)
    if (problem := access.problem() or of_pages) is not None:
        raise SettingsError(problem)
    return msgspec.structs.replace(settings, broker=Broker(settings.broker, access, settings.instance_id))


def _checked(field: msgspec.structs.FieldInfo, value: Any, where: str) -> Any:
    """`value` as the field's type has it. Raises SettingsError that says what is allowed, and quotes no secret."""
    shown = "its value" if field.name in _HIDDEN else quoted(value)
    try:
        converted = msgspec.convert(value, field.type, strict=False)
    except (msgspec.ValidationError, OverflowError):
        raise SettingsError(f"{where}: {shown} is not {allowed(field.name, field.type)}") from None
    if isinstance(converted, str):
        problem = PROBLEMS.get(field.name)
        if problem is not None and (found := problem(converted)) is not None:
            raise SettingsError(f"{where} {found}")
        if "\0" in converted:
            raise SettingsError(f"{where}: {shown} holds a NUL character")
    return converted


def _access(settings: Settings) -> BrokerAccess:
    return BrokerAccess(
        security=settings.broker_security,
        mechanism=settings.broker_mechanism,
        user=settings.broker_user,
        password=settings.broker_password,
        ca=settings.broker_ca,
        certificate=settings.broker_certificate,
        key=settings.broker_key,
    )
