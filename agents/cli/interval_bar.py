"""A number between 0 and 1 as a bar of text, with its interval: `····├──●───┤········`."""

from typing import Final

_CELLS: Final = 21  # odd, so that 0.5 is in the middle
_UNICODE: Final = "·─├┤●"
_ASCII: Final = ".-[]o"


def interval_bar(value: float, low: float | None = None, high: float | None = None, *, ascii_only: bool = False) -> str:
    """Always of the same width; without an interval the value alone."""
    empty, within, opening, closing, point = _ASCII if ascii_only else _UNICODE
    cells = [empty] * _CELLS
    if low is not None and high is not None:
        first, last = _cell(low), _cell(high)
        cells[first : last + 1] = within * (last + 1 - first)
        cells[first], cells[last] = opening, closing
    cells[_cell(value)] = point
    return "".join(cells)


def _cell(value: float) -> int:
    return round(min(1.0, max(0.0, value)) * (_CELLS - 1))
