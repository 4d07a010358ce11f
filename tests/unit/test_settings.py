"""Settings: the environment over the file, each error naming its setting, no secret shown."""

from pathlib import Path

import pytest

from agents.config.settings import Settings, SettingsError, load_settings
from agents.secrets.secret import Secret


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "skillstream.toml"
    path.write_text('broker = "file:9092"\npartitions = 8\nopenai_models = ["a", "b"]\n', encoding="utf-8")
    return path


def test_given_wins_over_environment_wins_over_file_wins_over_default(config: Path) -> None:
    environment = {"SKILLSTREAM_CONFIG": str(config), "SKILLSTREAM_PARTITIONS": "16", "SKILLSTREAM_EPOCH": "2"}

    settings = load_settings(environment, epoch=3, broker=None)

    assert (settings.broker, settings.partitions, settings.epoch) == ("file:9092", 16, 3)
    assert settings.calls_per_minute == Settings().calls_per_minute
    assert settings.openai_models == ("a", "b")


def test_the_named_file_wins_over_the_environments(config: Path) -> None:
    assert load_settings({"SKILLSTREAM_CONFIG": "nowhere.toml"}, config=str(config)).partitions == 8


def test_lists_are_written_with_commas_in_the_environment() -> None:
    assert load_settings({"SKILLSTREAM_OPENAI_MODELS": "gpt-x, gpt-y,"}).openai_models == ("gpt-x", "gpt-y")


def test_an_empty_optional_address_is_none() -> None:
    settings = load_settings({"SKILLSTREAM_REDIS_URL": "", "OPENAI_BASE_URL": ""})

    assert (settings.redis_url, settings.openai_base_url) == (None, None)


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("PARTITIONS", "four", '"four" is not a whole number of 1..10000'),
        ("PARTITIONS", "0", '"0" is not a whole number of 1..10000'),
        ("PARTITIONS", "1" * 5_000, "is not a whole number of 1..10000"),
        ("PARTITIONS", "-1", '"-1" is not a whole number of 1..10000'),
        ("PARTITIONS", "", '"" is not a whole number of 1..10000'),
        ("WEB_PORT", "65536", '"65536" is not a whole number of 0..65535'),
        ("REASONING", "yes", '"yes" is not one of off, openai, scripted'),
        ("START_TIMEOUT_S", "nan", '"nan" is not a number above 0, at most 86400 seconds'),
        ("START_TIMEOUT_S", "inf", '"inf" is not a number above 0, at most 86400 seconds'),
        ("START_TIMEOUT_S", "-1", '"-1" is not a number above 0, at most 86400 seconds'),
        ("EXPLAIN_COOLDOWN_S", "inf", '"inf" is not a number of 0..31536000 seconds'),
        ("STORE_MEMORY_MB", "1GB", '"1GB" is not a whole number of 16..1000000 MiB'),
        ("SEED_LIMITS", "perhaps", '"perhaps" is not true or false'),
        ("CALLS_PER_HOUR", "1e3x", '"1e3x" is not a whole number of 1..1000000000 calls an hour'),
        ("APP_ID", "a b", '"a b" is not a text of the form [A-Za-z0-9._-]{1,200}'),
        ("APP_ID", "a\n\x1b[1m", r'"a\n\x1b[1m" is not a text of the form'),
        ("ATTENTION_TOPIC", "erasures", "erasures is a topic for something else already"),
        ("ATTENTION_TOPIC", "a b", '"a b" is not a text of the form [A-Za-z0-9._-]{0,149}'),
        ("OPENAI_MODELS", " , ", "name at least one model"),
        ("REDIS_URL", "redis.example:6379", "is not redis://"),
        ("REDIS_URL", "redis://:pa/ss@host", "write @ as %40, / as %2F, # as %23, ? as %3F"),
        ("BROKER", "kafka://host:9092", "is not host:port[,host:port…]"),
        ("BROKER", "", "is not host:port"),
        ("BROKER", "a:9092,b:99999", "its address number 2 is not host:port (a port of 1..65535"),
        ("BROKER", "::1", "an IPv6 address in brackets"),
        ("WEB_TOKEN", "s3cret", "has 6 characters, and needs 16 or more: make one with: python3 -c"),
        ("WEB_TOKEN", "abcabcabcabcabcabca", "repeats itself"),
        ("WEB_TOKEN", "1234567890123456", "repeats itself"),
    ],
)
def test_a_bad_value_is_named_with_what_is_allowed(name: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings({f"SKILLSTREAM_{name}": value})

    assert str(error.value).startswith(f"SKILLSTREAM_{name}")
    assert allowed in str(error.value)
    assert str(error.value).isprintable()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("partitions = true", 'partitions: "True" is not a whole number of 1..10000'),
        ('broker = ["a", "b"]', "broker: its value is not a text"),
        ("openai_models = 3", 'openai_models: "3" is not a list, each a text'),
        ("start_timeout_s = nan", 'start_timeout_s: "nan" is not a number above 0'),
        ("[store]\nkind = 1", "store: "),
        ('store_dir = "a\\u0000b"', "store_dir: "),
        ("partitions = 99999999999999999999999", "is not a whole number of 1..10000"),
    ],
)
def test_a_file_of_wrong_types_is_refused(config: Path, text: str, said: str) -> None:
    config.write_text(text, encoding="utf-8")

    with pytest.raises(SettingsError) as error:
        load_settings({}, config=str(config))
    assert said in str(error.value)
    assert "skillstream.toml: " in str(error.value)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("redis://redis:6379/0", "SKILLSTREAM_REDIS_URL"),
        ("rediss://user:p%2Fw@redis.example:6380", "SKILLSTREAM_REDIS_URL"),
        ("redis://:a@b:c@[::1]:6379/1", "SKILLSTREAM_REDIS_URL"),
        ("unix:///run/redis.sock?db=1", "SKILLSTREAM_REDIS_URL"),
        ("https://gateway.example:8443/v1", "OPENAI_BASE_URL"),
        ("http://user:pw@localhost:11434/v1/", "OPENAI_BASE_URL"),
        ("kafka-1:9092, kafka-2:9092,[2001:db8::1]:9092,plain_host", "SKILLSTREAM_BROKER"),
        ("correct horse battery", "SKILLSTREAM_WEB_TOKEN"),
    ],
)
def test_what_works_is_taken(name: str, value: str) -> None:
    load_settings({name: value})


@pytest.mark.parametrize("key", ["sk-\u2011x", "sk-ünï", "sk two", "sk-\x7f", "sk-\x00"])
def test_a_key_that_no_header_can_carry_is_refused_with_the_place(key: str) -> None:
    with pytest.raises(SettingsError, match=r"OPENAI_API_KEY character \d+ of \d+ is U\+[0-9A-F]{4}") as error:
        load_settings({"OPENAI_API_KEY": key})
    assert key not in str(error.value)


def test_a_bad_value_says_where_it_came_from(config: Path) -> None:
    config.write_text("partitions = []", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"skillstream\.toml: partitions: "):
        load_settings({}, config=str(config))
    with pytest.raises(SettingsError, match="SKILLSTREAM_PARTITIONS: "):
        load_settings({"SKILLSTREAM_PARTITIONS": "x"})


def test_an_unknown_setting_is_named(config: Path) -> None:
    with pytest.raises(SettingsError, match=r"SKILLSTREAM_BROKERS: .* Did you mean SKILLSTREAM_BROKER\?"):
        load_settings({"SKILLSTREAM_BROKERS": "x"})
    config.write_text("brokers = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"skillstream\.toml: brokers: .* Did you mean broker\?"):
        load_settings({}, config=str(config))


@pytest.mark.parametrize("name", ["skillstream_broker", "SKILLSTREAM_broker", "Skillstream_Broker"])
def test_a_setting_in_the_wrong_case_is_named(name: str) -> None:
    with pytest.raises(SettingsError, match=rf"{name}: .* Did you mean SKILLSTREAM_BROKER\?"):
        load_settings({name: "x"})


def test_other_programs_and_the_tests_own_variables_are_left_alone() -> None:
    environment = {"PATH": "/bin", "OPENAI_ORG": "x", "SKILLSTREAM_TEST_BROKER": "x", "SKILLSTREAM_REQUIRE_X": "1"}

    assert load_settings(environment) == load_settings({})


@pytest.mark.parametrize("text", [b"\xff", b"broker = ", None], ids=["not UTF-8", "not TOML", "missing"])
def test_a_file_that_cannot_be_read_is_named(config: Path, text: bytes | None) -> None:
    if text is None:
        config.unlink()
    else:
        config.write_bytes(text)

    with pytest.raises(SettingsError, match=r"skillstream\.toml"):
        load_settings({}, config=str(config))


def test_a_former_setting_is_no_reason_not_to_start() -> None:
    assert load_settings({"SKILLSTREAM_PSEUDONYM_SECRET": "of before"}) == load_settings({})


def test_secrets_do_not_show() -> None:
    settings = load_settings({"OPENAI_API_KEY": " sk-canary\n", "SKILLSTREAM_BROKER_PASSWORD": "canary"})

    for shown in (repr(settings), str(settings), f"{settings}", repr([settings.openai_api_key])):
        assert "canary" not in shown
    assert settings.openai_api_key == "sk-canary"
    assert repr(Secret("")) != repr(Secret("x"))


def test_a_secret_of_the_wrong_type_is_refused_without_being_shown(config: Path) -> None:
    config.write_text('openai_api_key = ["canary"]', encoding="utf-8")

    with pytest.raises(SettingsError, match="openai_api_key") as error:
        load_settings({}, config=str(config))
    assert "canary" not in str(error.value)


def test_settings_are_frozen() -> None:
    with pytest.raises(AttributeError):
        load_settings({}).broker = "x"  # type: ignore[misc]
