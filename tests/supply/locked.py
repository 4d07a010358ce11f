"""What requirements.lock pins for this interpreter."""

import re
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT: Final = Path(__file__).resolve().parents[2]
_PINNED: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)(?:\s*;\s*([^\\]+?))?\s*\\?$", re.MULTILINE)


def locked(lock: Path = ROOT / "requirements.lock") -> dict[str, str]:
    """Version by canonical name, of what a marker does not leave out here."""
    found = {}
    for name, version, marker in _PINNED.findall(lock.read_text("utf-8")):
        requirement = Requirement(f"{name}=={version}" + (f"; {marker}" if marker else ""))
        if requirement.marker is None or requirement.marker.evaluate():
            found[str(canonicalize_name(name))] = version
    return found
