"""The dialects as a deployment reads them: with its `mapping.toml`, if it has one."""

from pathlib import Path

from agents.settings import SettingsError
from schemas.dialects import Dialects
from schemas.dialects.mapping import Mapping


def load_dialects(mapping: str | None) -> Dialects:
    """The dialects, with what the file `mapping` adds. Raises SettingsError naming the file and what is wrong."""
    if mapping is None:
        return Dialects()
    try:
        return Dialects(Mapping.load(Path(mapping)))
    except OSError as error:
        raise SettingsError(f"mapping file {mapping}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"mapping file {error}") from None
