"""The folder of one worker's store: held by a lock, and trusted only while it says which changelog it is of.

    <store_dir>/<app_id>/<instance_id>/   lock   of   rows/

`of` names the changelog. It is taken away before the rows are doubted and put there when they are known to be good:
rows without it, whatever the reason, are removed at the next start.
"""

import fcntl
import os
import shutil
from pathlib import Path
from typing import Final
from urllib.parse import quote

from agents.stores.errors import StoreFailed, StoreInUse

PRIVATE: Final = 0o700
_UNNAMED: Final = "worker"


def folder_of(store_dir: str, app_id: str, instance_id: str | None) -> Path:
    """Where a worker keeps its rows."""
    return Path(store_dir) / _one_name(app_id) / _one_name(instance_id or _UNNAMED)


def _one_name(name: str) -> str:
    quoted = quote(name, safe="")
    return quoted.replace(".", "%2E") if set(quoted) == {"."} else quoted


def _is_of_the_store(folder: Path) -> bool:
    here = folder.resolve()
    stat = here.stat()
    is_private = any(path.resolve().is_relative_to(here) for path in (Path.cwd(), Path.home()))
    return stat.st_uid == os.geteuid() and not stat.st_mode & 0o1002 and not is_private


class StoreFolder:
    """Taken by the first to ask, until `close` or the process's end. Raises StoreInUse or StoreFailed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.rows = path / "rows"
        self._of = path / "of"
        try:
            for missing in [each for each in (*reversed(path.parents), path) if not each.exists()]:
                missing.mkdir(mode=PRIVATE, exist_ok=True)
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreFailed(f"the local store {path} cannot be opened: {error.strerror}") from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._lock)
            raise StoreInUse(
                f"store_dir: {path} is in use by another worker. Give each its own SKILLSTREAM_INSTANCE_ID, "
                "or its own SKILLSTREAM_STORE_DIR"
            ) from error

    def make_private(self) -> None:
        """Let nobody but this user look into folders that an earlier version or somebody else made.

        The store's own folder is left alone where it is not only the store's: it is another user's, everybody may write
        there (`/tmp`), or this process or its user is on its owning partition in it. Raises StoreFailed.
        """
        top = self.path.parent.parent
        try:
            for folder in (self.rows, self.path, self.path.parent, *([top] if _is_of_the_store(top) else [])):
                if folder.is_dir() and folder.stat().st_mode & 0o777 != PRIVATE:
                    folder.chmod(PRIVATE)
        except OSError as error:
            raise StoreFailed(
                f"the local store {self.path} holds what is known of students, and cannot be closed to other users: "
                f"{error.strerror}. Set SKILLSTREAM_STORE_DIR to a folder of this user's"
            ) from error

    @property
    def log(self) -> str | None:
        """The changelog that the rows are of; None where they are not to be trusted."""
        try:
            return self._of.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            return None

    def trust(self, log: str) -> None:
        """The rows are of `log`, and good."""
        draft = self._of.with_suffix(".draft")
        try:
            draft.write_text(log, encoding="utf-8")
            draft.replace(self._of)
        except OSError as error:
            raise StoreFailed(f"the local store {self.path} cannot be written: {error.strerror}") from error

    def distrust(self) -> None:
        """The rows are not to be used by the next start. Needs no space on the disk. Never raises."""
        try:
            self._of.unlink(missing_ok=True)
        except OSError:
            shutil.rmtree(self.rows, ignore_errors=True)

    def clear(self) -> None:
        """Remove the rows; an empty folder for them is left."""
        self.distrust()
        try:
            if self.rows.exists():
                shutil.rmtree(self.rows)
            self.rows.mkdir(mode=PRIVATE)
        except OSError as error:
            raise StoreFailed(f"the local store {self.path} cannot be cleared: {error.strerror}") from error

    def close(self) -> None:
        """Let others have it."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1
