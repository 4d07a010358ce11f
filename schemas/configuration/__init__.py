"""Files of configuration, read as types: what is refused is named by its place, with what is allowed there."""

from schemas.configuration.document import read_toml
from schemas.configuration.similar import choices, did_you_mean

__all__ = ["choices", "did_you_mean", "read_toml"]
