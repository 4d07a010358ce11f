"""What is wrong with a local store.

SettingsError
└── StoreInUse     another worker has the folder

Fatal
├── StoreFailed    it can't be read or written: the disk is full or broken, or a file is damaged
└── LogRewound     the changelog confirmed a record where another one had been: it lost records
"""

from agents.config.settings import SettingsError
from schemas.errors import Fatal


class StoreInUse(SettingsError):
    """Another worker has the folder."""


class StoreFailed(Fatal):
    """The store can't be read or written; what it holds is not used again."""


class LogRewound(Fatal):
    """The changelog confirmed a record where another one had been."""
