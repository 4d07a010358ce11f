"""Parts of a record, by their places from 0, as a dead letter's header names them: `3`, or `15-99,120`."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import Final

PATTERN: Final = r"^([0-9]{1,7}(-[0-9]{1,7})?(,[0-9]{1,7}(-[0-9]{1,7})?)*)?$"

Run = tuple[int, int]
"""The first and the last of some parts that follow each other."""


def runs(parts: Iterable[int]) -> list[Run]:
    """`parts`, which ascend, in as few runs as can be."""
    found: list[Run] = []
    for part in parts:
        if found and part == found[-1][1] + 1:
            found[-1] = found[-1][0], part
        else:
            found.append((part, part))
    return found


def named(found: Iterable[Run]) -> str:
    """The text that names these runs."""
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in found)


class Parts:
    """Those that a text of PATTERN names, as `named` writes it. Memory: by runs, however long they are."""

    def __init__(self, text: str) -> None:
        ends = [one.partition("-") for one in text.split(",") if one]
        self._first = [int(first) for first, _, _ in ends]
        self._last = [int(last or first) for first, _, last in ends]

    def __contains__(self, part: object) -> bool:
        if not isinstance(part, int):
            return False
        index = bisect_right(self._first, part) - 1
        return index >= 0 and part <= self._last[index]
