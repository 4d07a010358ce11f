"""Progress of a command that computes: a spinner on a terminal, else a line a stage. On standard error, always."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Final, TypeVar

from agents.cli.console import stderr

_T = TypeVar("_T")
_EVERY: Final = 100_000


@contextmanager
def stage(text: str) -> Iterator[None]:
    """Show that `text` is being done."""
    if stderr.is_terminal:
        with stderr.status(text):
            yield
    else:
        say(text)
        yield


def counting(read: Iterable[_T], what: str) -> Iterator[_T]:
    """The same, saying where there is no terminal every _EVERY how many there were: a terminal has a bar."""
    for number, one in enumerate(read, start=1):
        yield one
        if number % _EVERY == 0 and not stderr.is_terminal:
            say(f"{number:,} {what} read")


def say(text: str) -> None:
    """Write a line."""
    stderr.print(text, markup=False, soft_wrap=True)
