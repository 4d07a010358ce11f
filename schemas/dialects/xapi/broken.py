"""What is wrong with a statement: which rule, and where."""

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

from schemas.errors import InvalidInput

VERSION_RULE: Final = "XAPI-00101"
_MAX_PATH_CHARS: Final = 200
_T = TypeVar("_T")


class BrokenStatement(Exception):
    """A rule of the standard that a statement breaks. The path grows from the inside out."""

    def __init__(self, rule: str, why: str, path: str = "") -> None:
        super().__init__(rule, why, path)
        self.rule = rule
        self.why = why
        self.path = path

    def within(self, step: str) -> "BrokenStatement":
        """The same, seen from what holds the broken part as `step`: `.actor`, `[0]`."""
        return BrokenStatement(self.rule, self.why, step + self.path)

    def as_input(self) -> InvalidInput:
        """For a dead letter. Nothing of the statement's content is quoted."""
        reason = "unknown_version" if self.rule == VERSION_RULE else "xapi_invalid"
        path = self.path if len(self.path) <= _MAX_PATH_CHARS else f"{self.path[:_MAX_PATH_CHARS]}…"
        return InvalidInput(reason, f"{self.rule} at ${path}: {self.why}")


def within(step: str, rule: Callable[[_T], None], part: _T) -> None:
    """Apply `rule` to a part that its holder has as `step`."""
    try:
        rule(part)
    except BrokenStatement as broken:
        raise broken.within(step) from None


def each(rule: Callable[[_T], None], parts: Iterable[_T], step: str) -> None:
    """Apply `rule` to each of a list that its holder has as `step`."""
    for index, part in enumerate(parts):
        try:
            rule(part)
        except BrokenStatement as broken:
            raise broken.within(f"{step}[{index}]") from None
