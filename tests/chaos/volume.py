"""A small disk that can be filled: a tmpfs."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage
from typing import Final

MIB: Final = 1024 * 1024


class NoPrivilege(Exception):
    """This machine does not let us mount a file system."""


@dataclass(frozen=True, slots=True)
class Volume:
    """A mounted volume."""

    path: Path

    @property
    def free_bytes(self) -> int:
        """What is left on it."""
        return disk_usage(self.path).free

    @property
    def _filler(self) -> Path:
        return self.path / "filler"

    def fill(self, leave_bytes: int = 0) -> None:
        """Take all but `leave_bytes`."""
        with self._filler.open("wb", buffering=0) as filler, suppress(OSError):  # others write meanwhile
            while (left := self.free_bytes - leave_bytes) > 0:
                filler.write(bytes(min(left, MIB)))

    def make_room(self) -> None:
        """Undo `fill`."""
        self._filler.unlink(missing_ok=True)


@contextmanager
def small_volume(path: Path, size_mib: int) -> Iterator[Volume]:
    """Mounts a volume at `path`, and takes it away again. Raises NoPrivilege where that is not permitted."""
    path.mkdir(parents=True, exist_ok=True)
    asked = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "skillstream-chaos", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if asked.returncode:
        raise NoPrivilege(asked.stderr.strip())
    try:
        yield Volume(path)
    finally:
        subprocess.run(["umount", "--lazy", str(path)], check=False)
