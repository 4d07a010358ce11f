"""Files of events: plain or gzip, one a line, with a progress bar by bytes read. `-` is standard input, or output."""

import gzip
import io
import sys
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, nullcontext
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, cast

import click
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from agents.cli.console import stderr
from agents.cli.outcome import OutOfReach
from agents.display.plain import plain

STANDARD: Final = "-"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_OTHERS: Final = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\xff\xfe": "text in UTF-16",
    b"\xfe\xff": "text in UTF-16",
}
"""What some files begin with that are none of events, a line each."""


class Line(NamedTuple):
    """A line of a file, without its end; lines are counted from 1, the empty ones too."""

    file: str
    number: int
    text: bytes

    @property
    def location(self) -> str:
        """As editors and compilers write it."""
        return f"{self.file}:{self.number}"


NO_LINE: Final = Line("", 0, b"")


def read_lines(names: Sequence[str], *, quiet: bool = False) -> Iterator[Line]:
    """The lines of all files in turn; empty lines are passed over.

    Raises OutOfReach for a file that is missing, a folder, or a broken archive.
    """
    paths = [existing(name) for name in names]
    total = None if None in paths else sum(path.stat().st_size for path in paths if path)
    with _progress(quiet) as progress, ExitStack() as stack:
        task = progress.add_task("reading", total=total or None)
        for path in paths:
            name = str(path or "standard input")
            try:
                raw = _standard_input() if path is None else stack.enter_context(path.open("rb"))
                counted = io.BufferedReader(_Counted(raw, lambda size: progress.advance(task, size)))
                for number, line in enumerate(_lines(counted), start=1):
                    if text := line.rstrip(b"\r\n"):
                        yield Line(name, number, text)
            except (OSError, EOFError, zlib.error) as error:
                raise OutOfReach(f"{name}: {getattr(error, 'strerror', None) or error}") from None


def open_output(name: str, inputs: Sequence[str] = ()) -> AbstractContextManager[BinaryIO]:
    """A new file for writing, compressed where its name ends in .gz; or standard output, which is left open.

    Raises OutOfReach; UsageError where it is one of the `inputs`, which it would empty.
    """
    if name == STANDARD:
        return nullcontext(sys.stdout.buffer)
    if any(each != STANDARD and _is_same(name, each) for each in inputs):
        raise click.UsageError(f"{plain(name)} is read: write to another file")
    try:
        return cast(BinaryIO, gzip.open(name, "wb")) if name.endswith(".gz") else Path(name).open("wb")
    except OSError as error:
        raise OutOfReach(f"{name}: {error.strerror}") from None


def _is_same(one: str, other: str) -> bool:
    try:
        return Path(one).samefile(other)
    except OSError:
        return False


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise OutOfReach("standard input is closed")
    return cast(BinaryIO, sys.stdin.buffer)


def _lines(source: "io.BufferedReader[_Counted]") -> Iterator[bytes]:
    begins = source.peek(16)
    for magic, what in _OTHERS.items():
        if begins.startswith(magic):
            raise OSError(None, f"this is {what}. Events are read from JSON in UTF-8, one a line, plain or gzip")
    return iter(gzip.GzipFile(fileobj=source) if begins.startswith(_GZIP_MAGIC) else source)


def existing(name: str) -> Path | None:
    """The file of that name; None for standard input. Raises OutOfReach where there is none."""
    if name == STANDARD:
        return None
    path = Path(name)
    if path.is_dir():
        raise OutOfReach(f"{name}: a folder; name the files in it")
    if not path.exists():
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
