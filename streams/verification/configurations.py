"""The configurations that updates name, as `fusion-config` holds them, and the norms, as `norms` does."""

from collections.abc import Collection
from typing import Protocol

from schemas.fusion_config import Overrides
from streams.norms.view import NormView


class Configurations(Protocol):
    """Overrides that fit the skill set and the artifact, by their versions."""

    def find(self, version: str) -> Overrides | None:
        """Those of that version, if they are there."""
        ...

    def all(self) -> Collection[Overrides]:
        """Those that are known so far."""
        ...


class NoConfigurations:
    """Of a deployment whose weights never changed while it ran. Implements Configurations."""

    def find(self, version: str) -> Overrides | None:
        """See Configurations."""
        return None

    def all(self) -> Collection[Overrides]:
        """See Configurations."""
        return ()


class KnownNorms(Protocol):
    """Norms by their versions."""

    def find(self, version: str) -> NormView | None:
        """Those of that version, if they are there, whole."""
        ...


class NoNorms:
    """Of a deployment that never had any. Implements KnownNorms."""

    def find(self, version: str) -> NormView | None:
        """See KnownNorms."""
        return None
