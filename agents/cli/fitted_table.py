"""Tables that can be read in a narrow terminal: what does not fit is shown row by row, a line a heading."""

from typing import Final

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from agents.cli.console import stdout

_ANY_CHARS: Final = 10_000


def print_fitted(table: Table, to: Console = stdout) -> None:
    """Print `table` where each column has room for its longest word; else its rows one below the other.

    No name is cut short, and no line is broken within a word that would fit.
    """
    unbounded = to.options.update(max_width=_ANY_CHARS)
    if Measurement.get(to, unbounded, table).minimum <= to.width:
        for column in table.columns:
            column.overflow = "fold"
            column.no_wrap = all(_is_word(cell) for cell in (column.header, *column.cells))
        to.print(table)
        return
    headings = [_text(column.header) for column in table.columns]
    for number, row in enumerate(zip(*(column.cells for column in table.columns), strict=True)):
        if number:
            to.print()
        width = max(len(heading) for heading, cell in zip(headings, row, strict=True) if _text(cell).plain)
        for heading, cell in zip(headings, row, strict=True):
            if not _text(cell).plain:
                continue
            if not heading.plain:  # a name, or what is to be said of all the others
                to.print(_text(cell), overflow="fold")
                continue
            line = Table(show_header=False, box=None, pad_edge=False)
            line.add_column(no_wrap=True, min_width=width)
            line.add_column(overflow="fold")
            line.add_row(heading, cell)
            to.print(line)


def _is_word(cell: object) -> bool:
    """Whether it cannot be broken but within a word."""
    return not any(character.isspace() for character in _text(cell).plain)


def _text(renderable: object) -> Text:
    return renderable if isinstance(renderable, Text) else Text.from_markup(str(renderable))
