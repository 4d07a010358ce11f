"""The folder of a store on disk."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from agents.config.settings import Settings
from agents.operations.doctor.finding import Finding, ok, problem, warning
from agents.stores.folder import StoreFolder, folder_of

_ROOM_BYTES: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """Implements Check: the folder of a store on disk can be written, is nobody else's, and has room."""

    settings: Settings
    name: str = "store"
    decides: bool = True

    def run(self) -> Iterator[Finding]:
        """Takes the folder's lock for a moment, where the folder is there. Raises StoreInUse or StoreFailed."""
        settings = self.settings
        if settings.store == "memory":
            yield ok("in memory: the table is restored from the changelog at each start")
            return
        folder = folder_of(settings.store_dir, settings.app_id, settings.instance_id)
        there = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
        if there == folder.absolute():
            StoreFolder(folder).close()
        if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
            yield problem(f"{there} is no folder that can be written", "set SKILLSTREAM_STORE_DIR to one that can")
            return
        free = shutil.disk_usage(there).free
        if free < _ROOM_BYTES:
            yield warning(f"{folder} has {free >> 20} MiB of free space", "make room, or set SKILLSTREAM_STORE_DIR")
        else:
            yield ok(f"{folder} can be written, {free >> 30} GiB are free")
