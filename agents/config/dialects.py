"""The dialects as a deployment reads them: with its `mapping.toml`, if it has one."""

from pathlib import Path

from agents.config.settings import Settings, SettingsError
from schemas.dialects import Decode, Dialects
from schemas.dialects.bounds import RecordBounds
from schemas.dialects.mapping import NO_MAPPING, Mapping


def decoder_of(settings: Settings) -> Decode:
    """The decoder of the deployment's records, within its bounds. Raises as `load_dialects`."""
    return load_dialects(settings.mapping).within(bounds_of(settings))


def bounds_of(settings: Settings) -> RecordBounds:
    """How much one record may hold."""
    return RecordBounds(
        value_bytes=settings.record_max_bytes,
        events=settings.record_max_events,
        students=settings.record_max_students,
    )


def load_dialects(mapping: str | None) -> Dialects:
    """The dialects, with what the file `mapping` adds. Raises SettingsError naming the file and what is wrong."""
    return Dialects(load_mapping(mapping))


def load_mapping(mapping: str | None) -> Mapping:
    """What the file `mapping` says, if there is one. Raises as `load_dialects`."""
    return NO_MAPPING if mapping is None else _read(mapping)


def courses_of(mapping: str | None) -> dict[str, str]:
    """The copies of courses that the file `mapping` names, each with the other's. Raises as `load_dialects`."""
    return {} if mapping is None else _read(mapping).norms.courses


def _read(mapping: str) -> Mapping:
    try:
        return Mapping.load(Path(mapping))
    except OSError as error:
        raise SettingsError(f"mapping file {mapping}: {error.strerror}") from None
    except ValueError as error:
        raise SettingsError(f"mapping file {error}") from None
