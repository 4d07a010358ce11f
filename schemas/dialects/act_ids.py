"""What an act is called, so that events of several kinds that tell it are known to tell the same one.

    kind ──► what was done: an attempt, a submission, a mark, a course passed ─┐
    attempt's id, or the item and the attempt's number ───────────────────────┼──► act id
    else the item and the moment ──────────────────────────────────────────────┘

Without any of these two acts stay two. A failure without a score is an attempt, too.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Final

_MAX_CHARS: Final = 256
WHAT: Final[Mapping[str, str]] = {
    "attempt": "attempt",
    "failure": "attempt",
    "submission": "submission",
    "mark": "mark",
}
"""What was done, by the kinds of native events that may tell it twice."""


def of_attempt(what: str, attempt: str, item: str = "") -> str:
    """The id of what was done in this `attempt`; at this `item`, where the attempt is but one of it."""
    return _bounded(f"{what} {item} {attempt}" if item else f"{what} {attempt}")


def of_moment(what: str, item: str, time: datetime) -> str:
    """The id of what was done at this `item` at this `time`: with an @ before it, as ids of moments are."""
    return f"@{int(time.timestamp() * 1e6)} {item if len(item) <= _MAX_CHARS else _bounded(item)} {what}"


def of_item(what: str, item: str) -> str:
    """The id of what is done but once at an `item`."""
    return _bounded(f"{what} {item}")


def _bounded(name: str) -> str:
    return name if len(name) <= _MAX_CHARS else f"sha256:{sha256(name.encode()).hexdigest()}"
