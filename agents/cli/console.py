"""Where the commands write: results to standard output, all else to standard error."""

from typing import Final

from rich.console import Console

stdout: Final = Console(highlight=False)
stderr: Final = Console(stderr=True, highlight=False)
