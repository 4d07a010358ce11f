"""Progress of a command that computes: a spinner on a terminal, else a line a stage. On standard error, always."""

from collections.abc import Callable, Iterable, Iterator
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


@contextmanager
def steps(text: str) -> Iterator[Callable[[int, int], None]]:
    """Show that `text` is being done, and how far it is: what is yielded is told how many are done, of how many."""
    last_tenth = 0

    def say_tenths(done: int, of: int) -> None:
        nonlocal last_tenth
        if (tenth := 10 * done // max(of, 1)) > last_tenth:
            last_tenth = tenth
            say(f"{text}: {done:,} of {of:,}")

    if not stderr.is_terminal:
        yield say_tenths
        return
    with stderr.status(text) as status:
        yield lambda done, of: status.update(f"{text}: {done:,} of {of:,}")


def counting(read: Iterable[_T], what: str) -> Iterator[_T]:
    """The same, saying where there is no terminal every _EVERY how many there were: a terminal has a bar."""
    for number, one in enumerate(read, start=1):
        yield one
        if number % _EVERY == 0 and not stderr.is_terminal:
            say(f"{number:,} {what} read")


def say(text: str) -> None:
    """Write a line."""
    stderr.print(text, markup=False, soft_wrap=True)
