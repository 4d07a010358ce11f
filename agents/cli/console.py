"""Where the commands write: results to standard output, all else to standard error."""

import os
from typing import Final

from rich.console import Console, ConsoleDimensions

_UNWRAPPED_CHARS: Final = 240
"""Wide enough that a line of a table stays a line, where it is a file or another program that reads."""
_USUAL_CHARS: Final = 80
_NARROWEST_CHARS: Final = 60
_READABLE_CHARS: Final = 100
_ANY_HEIGHT: Final = 25


class _Console(Console):
    """As wide as COLUMNS says, else as the terminal; without either, as no line of a table needs to be broken.

    Leaves a closed pipe to `main`, as what is written without it does.
    """

    @property
    def size(self) -> ConsoleDimensions:
        """See rich."""
        if said := _columns():
            return ConsoleDimensions(said, _ANY_HEIGHT)
        return super().size if self.is_terminal else ConsoleDimensions(_UNWRAPPED_CHARS, _ANY_HEIGHT)

    @size.setter
    def size(self, new_size: tuple[int, int]) -> None:
        self._width, self._height = new_size

    def on_broken_pipe(self) -> None:
        """Called while BrokenPipeError is handled."""
        raise


stdout: Final = _Console(highlight=False)
stderr: Final = _Console(stderr=True, highlight=False)


def reading_width() -> int:
    """How wide a text is to be that people read: as COLUMNS or the terminal has it, within reason; else 80."""
    wide = stdout.width if _columns() or stdout.is_terminal else _USUAL_CHARS
    return max(_NARROWEST_CHARS, min(wide, _READABLE_CHARS))


def print_prose(text: str) -> None:
    """Print a text that is to be read: broken between words where it is too wide for whoever reads it.

    Where it is piped, and COLUMNS says nothing, a line stays a line.
    """
    stdout.print(text, markup=False, soft_wrap=not (_columns() or stdout.is_terminal))


def _columns() -> int:
    """What COLUMNS says; 0 where it says nothing of use."""
    said = os.environ.get("COLUMNS", "")
    return int(said) if said.isdecimal() and len(said) <= 4 else 0
