"""Settings: the environment over the file, each error naming its setting, no secret shown."""

from pathlib import Path

import pytest

from agents.settings import Secret, Settings, SettingsError, load_settings


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
    ("name", "value"),
    [
        ("SKILLSTREAM_PARTITIONS", "many"),
        ("SKILLSTREAM_PARTITIONS", "0"),
        ("SKILLSTREAM_PARTITIONS", ""),
        ("SKILLSTREAM_WEB_PORT", "65536"),
        ("SKILLSTREAM_REASONING", "on"),
        ("SKILLSTREAM_START_TIMEOUT_S", "nan"),
        ("SKILLSTREAM_START_TIMEOUT_S", "inf"),
        ("SKILLSTREAM_START_TIMEOUT_S", "-1"),
        ("SKILLSTREAM_APP_ID", "a b"),
        ("SKILLSTREAM_OPENAI_MODELS", " , "),
    ],
)
def test_a_bad_value_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError) as error:
        load_settings({name: value})

    assert name.removeprefix("SKILLSTREAM_").lower() in str(error.value)


def test_a_bad_value_says_where_it_came_from(config: Path) -> None:
    config.write_text("partitions = []", encoding="utf-8")

    with pytest.raises(SettingsError, match=r"skillstream\.toml: partitions: "):
        load_settings({}, config=str(config))
    with pytest.raises(SettingsError, match="SKILLSTREAM_PARTITIONS: partitions: "):
        load_settings({"SKILLSTREAM_PARTITIONS": "x"})


def test_an_unknown_setting_is_named(config: Path) -> None:
    with pytest.raises(SettingsError, match="SKILLSTREAM_BROKERS"):
        load_settings({"SKILLSTREAM_BROKERS": "x"})
    config.write_text("brokers = 1", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"skillstream\.toml: brokers"):
        load_settings({}, config=str(config))


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


def test_secrets_do_not_show() -> None:
    settings = load_settings({"OPENAI_API_KEY": " sk-canary\n", "SKILLSTREAM_PSEUDONYM_SECRET": "canary"})

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
