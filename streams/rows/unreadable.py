"""What is said of a stored row that cannot be read: to go on would overwrite it."""

from schemas.errors import Fatal
from streams.input.checkpoint import Remedy


def unreadable(why: str) -> Fatal:
    """The error to be raised of one."""
    return Fatal(
        f"a stored row cannot be read ({why}): another program, or a newer version of this one, wrote it. "
        f"What to do: run the newest version; if that cannot read it, {Remedy.REBUILD.value}"
    )
