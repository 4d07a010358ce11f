"""A file of overrides, in TOML: what `config set` writes and `replay` scores with."""

from pathlib import Path

from schemas.configuration.document import read_toml
from schemas.fusion_config import Overrides
from streams.scoring.overrides import ConfigRefused


def read_overrides(file: Path) -> Overrides:
    """What the file overrides. Raises ConfigRefused, naming file, line and key, for what it cannot say."""
    try:
        return read_toml(file.read_text(encoding="utf-8"), Overrides)
    except OSError as error:
        raise ConfigRefused("unreadable", f"{file}: {error.strerror or error}") from None
    except ValueError as error:
        raise ConfigRefused("unreadable", f"{file}: {error}") from None
