"""The container's own files, read: Dockerfile, docker-compose.yml, .env.example."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).resolve().parents[2]
_CONTINUED: Final = re.compile(r"\\\n\s*")
_SETTING: Final = re.compile(r"^#?([A-Z_]+)=(.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Step:
    """One instruction of a Dockerfile, continued lines joined."""

    verb: str
    rest: str


def steps() -> list[Step]:
    """The Dockerfile's instructions, in order."""
    lines = [line for line in (ROOT / "Dockerfile").read_text("utf-8").splitlines() if not line.startswith("#")]
    joined = _CONTINUED.sub("", "\n".join(lines))
    return [Step(*line.split(None, 1)) for line in joined.splitlines() if line.strip()]


def final(verb: str) -> str:
    """What the image that is run says for `verb`; fails unless its stage says so exactly once."""
    all_steps = steps()
    begins = max(number for number, step in enumerate(all_steps) if step.verb == "FROM")
    (found,) = [step.rest for step in all_steps[begins:] if step.verb == verb]
    return found


def compose() -> dict[str, Any]:
    """docker-compose.yml, its anchors resolved."""
    document: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return document


def example_settings() -> dict[str, str]:
    """All variables of .env.example, those that are commented out too. Fails when one is there twice."""
    found = _SETTING.findall((ROOT / ".env.example").read_text("utf-8"))
    settings = dict(found)
    assert len(settings) == len(found), "a variable is there twice"
    return settings
