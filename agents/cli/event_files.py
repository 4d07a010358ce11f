"""Files of events: plain or gzip, one a line, `-` for standard input, with a progress bar by bytes read."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO, cast

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cli.console import stderr
from agents.cli.outcome import OutOfReach

_GZIP_MAGIC = b"\x1f\x8b"


def read_lines(names: Sequence[str], *, quiet: bool = False) -> Iterator[bytes]:
    """The lines of all files in turn, without their ends; empty lines are passed over.

    Raises OutOfReach for a file that is missing or a broken archive.
    """
    paths = [_existing(name) for name in names]
    total = None if None in paths else sum(path.stat().st_size for path in paths if path)
    with _progress(quiet) as progress, ExitStack() as stack:
        task = progress.add_task("reading", total=total or None)
        for path in paths:
            try:
                raw = sys.stdin.buffer if path is None else stack.enter_context(path.open("rb"))
                counted = io.BufferedReader(_Counted(raw, lambda size: progress.advance(task, size)))
                yield from _lines(counted)
            except (OSError, EOFError, zlib.error) as error:
                raise OutOfReach(f"{path or 'standard input'}: {error}") from None


def open_output(name: str) -> BinaryIO:
    """A new file for writing, compressed where its name ends in .gz. Raises OutOfReach."""
    try:
        return cast(BinaryIO, gzip.open(name, "wb")) if name.endswith(".gz") else Path(name).open("wb")
    except OSError as error:
        raise OutOfReach(f"{name}: {error.strerror}") from None


def _lines(source: "io.BufferedReader[_Counted]") -> Iterator[bytes]:
    zipped = source.peek(2)[:2] == _GZIP_MAGIC
    for line in gzip.GzipFile(fileobj=source) if zipped else source:
        stripped = line.rstrip(b"\r\n")
        if stripped:
            yield stripped


def _existing(name: str) -> Path | None:
    if name == "-":
        return None
    path = Path(name)
    if path.is_dir() or not path.exists():
        raise OutOfReach(f"{name}: no such file")
    return path


def _progress(quiet: bool) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TimeElapsedColumn(),
        console=stderr,
        disable=quiet or not stderr.is_terminal,
        transient=True,
    )


class _Counted(io.RawIOBase):
    """A raw reader that reports how many bytes went through."""

    def __init__(self, source: BinaryIO, advance: Callable[[int], None]) -> None:
        self._source = source
        self._advance = advance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(buffer)  # type: ignore[arg-type]
        chunk = self._source.read(len(view))
        view[: len(chunk)] = chunk
        self._advance(len(chunk))
        return len(chunk)
