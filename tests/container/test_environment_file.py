""".env.example names every setting, with its default."""

from agents.config.settings import ENV_PREFIX, Settings, load_settings
from tests.container.files import ROOT, example_settings


def test_every_setting_is_there_with_its_default() -> None:
    example = example_settings()

    assert load_settings(example) == load_settings({})
    named = {name.removeprefix(ENV_PREFIX).lower() for name in example}
    assert named == set(Settings.__struct_fields__), "add what is missing to .env.example, take out what is gone"


def test_nothing_but_the_key_must_be_filled_in() -> None:
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()

    assert [line for line in lines if line and not line.startswith("#")] == ["OPENAI_API_KEY="]


def test_a_filled_in_copy_is_not_committed() -> None:
    assert "/.env" in (ROOT / ".gitignore").read_text("utf-8").splitlines()
