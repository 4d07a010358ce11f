"""Where the commands write: results to standard output, all else to standard error."""

import sys
from typing import Final

from rich.console import Console

_UNWRAPPED_CHARS: Final = 240
"""Wide enough that a line of a table stays a line, where it is a file or another program that reads."""


class _Console(Console):
    """Leaves a closed pipe to `main`, as what is written without it does."""

    def on_broken_pipe(self) -> None:
        """Called while BrokenPipeError is handled."""
        raise


stdout: Final = _Console(highlight=False, width=None if sys.stdout.isatty() else _UNWRAPPED_CHARS)
stderr: Final = _Console(stderr=True, highlight=False)
