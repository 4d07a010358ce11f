"""The name that somebody may have meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def choices(name: str, known: Iterable[str]) -> str:
    """All of `known`, and the one that may have been meant by `name`."""
    names = list(known)
    return f"{', '.join(names)}.{did_you_mean(name, names)}"


def meant_or_all(name: str, known: Iterable[str]) -> str:
    """The one of `known` that may have been meant by `name`, else all: a sentence that begins with a blank."""
    names = list(known)
    return did_you_mean(name, names) or f" There are {', '.join(names)}."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A question that begins with a blank, or nothing where no name is like `name`. Case makes no difference."""
    by_folded = {each.casefold(): each for each in known}
    found = get_close_matches(name.casefold()[:100], list(by_folded), n=1, cutoff=0.6)
    return f" Did you mean {by_folded[found[0]]}?" if found else ""
