"""Lines of files that cannot be read: where the first few are and what is wrong with them, and how many there are."""

from agents.cli.console import stderr
from agents.cli.event_files import Line
from agents.display.plain import plain

_SHOWN = 5


class BadLines:
    """Tells of the first few at once, and of the others when asked to; not where a program reads (`quiet`)."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._parts = 0

    def note(self, line: Line, reason: str, error: str) -> None:
        """A line, or a part of it, is wrong; `error` names the field."""
        self._parts += 1
        if self._parts <= _SHOWN:
            self._say(f"{plain(line.location)}: {reason}: {plain(error)}")

    def tell_of_the_rest(self, how_to_see: str = "") -> None:
        """Say how many more there were."""
        if self._parts > _SHOWN:
            self._say(f"and {self._parts - _SHOWN} more that cannot be read{how_to_see}")

    def _say(self, text: str) -> None:
        if not self._quiet:
            stderr.print(text, markup=False, soft_wrap=True)
