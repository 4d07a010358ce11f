"""On which line of a TOML text a value is: no parser tells, so the text is read again, one statement at a time."""

import tomllib
from collections.abc import Iterator
from typing import Any

Path = tuple[str | int, ...]
"""Keys, and numbers within lists, from the document's root."""


def line_of(text: str, path: Path) -> int | None:
    """The line, counted from 1, on which the statement of `path` begins, or of the nearest above it; None if none.

    `text` must be valid TOML.
    """
    found: dict[Path, int] = {}
    for line, said in _said(text):
        found.setdefault(said, line)
    return next((found[path[:end]] for end in range(len(path), 0, -1) if path[:end] in found), None)


def _said(text: str) -> Iterator[tuple[int, Path]]:
    """Each path that a statement says, with the statement's first line."""
    table: Path = ()
    arrays: dict[Path, int] = {}
    for line, statement in _statements(text):
        document: dict[str, Any] = tomllib.loads(statement)
        if statement.lstrip().startswith("["):
            table = _header(document, arrays, is_array=statement.lstrip().startswith("[["))
            yield line, table
        else:
            yield from ((line, (*table, *path)) for path in _paths(document))


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Headers and assignments, with the line on which each begins: what is valid TOML by itself."""
    begun: list[str] = []
    for number, line in enumerate(text.split("\n"), 1):
        begun.append(line)
        try:
            is_said = bool(tomllib.loads("\n".join(begun)))
        except tomllib.TOMLDecodeError:
            continue  # goes on on the next line
        if is_said:
            yield number - len(begun) + 1, "\n".join(begun)
        begun = []


def _header(document: Any, arrays: dict[Path, int], *, is_array: bool) -> Path:
    """The path of the table that a header opens; `arrays` counts the tables of each array so far."""
    path: Path = ()
    while document:
        document = document[0] if isinstance(document, list) else document
        key = next(iter(document), None)
        if key is None:
            break
        path, document = (*path, key), document[key]
        if is_array and document == [{}]:
            arrays[path] = arrays.get(path, -1) + 1
        if path in arrays:
            path = (*path, arrays[path])
    return path


def _paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """All paths within a value."""
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in entries:
        yield (*path, key)
        yield from _paths(each, (*path, key))
