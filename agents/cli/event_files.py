"""Files of events: plain or gzip, one a line, with a progress bar by bytes read. `-` is standard input, or output."""

import errno
import gzip
import io
import os
import sys
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import BinaryIO, Final, NamedTuple, TextIO, cast

import click

from agents.cli.outcome import OutOfReach
from agents.cli.progress import Headway, in_bytes
from agents.display.plain import plain

STANDARD: Final = "-"
_GZIP_MAGIC: Final = b"\x1f\x8b"
_UTF_16: Final = "text in UTF-16"
_OTHERS: Final = {
    b"PK\x03\x04": "a zip archive",
    b"BZh": "a bzip2 archive",
    b"\xfd7zXZ": "an xz archive",
    b"\x28\xb5\x2f\xfd": "a zstd archive",
    b"PAR1": "a Parquet file",
    b"SQLite format 3": "an SQLite database",
    b"\xff\xfe": _UTF_16,
    b"\xfe\xff": _UTF_16,
}
"""What some files begin with that are none of events, a line each."""
_EVENTS: Final = "Events are read from JSON in UTF-8, one a line, plain or gzip"
_TEXT: Final = "CSV is text, plain or gzip, in the encoding that the mapping says (else UTF-8)"


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
    with Headway("reading", total, quiet=quiet, shown=in_bytes) as progress, ExitStack() as stack:
        for path in paths:
            name = str(path or "standard input")
            try:
                raw = _standard_input() if path is None else stack.enter_context(path.open("rb"))
                counted = io.BufferedReader(_Counted(raw, progress.advance))
                for number, line in enumerate(_unpacked(counted), start=1):
                    if text := line.rstrip(b"\r\n"):
                        yield Line(name, number, text)
            except (OSError, EOFError, zlib.error) as error:
                raise OutOfReach(f"{name}: {getattr(error, 'strerror', None) or error}") from None


@contextmanager
def open_text(name: str, encoding: str, *, quiet: bool = False) -> Iterator[TextIO]:
    """A file of text, plain or gzip, with its ends of lines as they are; a byte order mark of UTF-8 is left out.

    Raises OutOfReach for a file that is missing, a folder, or a broken archive, also while it is read.
    """
    path = existing(name)
    codec = "utf-8-sig" if encoding.replace("_", "-").casefold() in ("utf-8", "utf8") else encoding
    total = path.stat().st_size if path else None
    with Headway("reading", total, quiet=quiet, shown=in_bytes) as progress, ExitStack() as stack:
        try:
            raw = _standard_input() if path is None else stack.enter_context(path.open("rb"))
            allowed = (_UTF_16,) if codec.casefold().startswith(("utf-16", "utf16", "utf_16")) else ()
            source = _unpacked(io.BufferedReader(_Counted(raw, progress.advance)), _TEXT, allowed)
            yield io.TextIOWrapper(source, codec, newline="")
        except (OSError, EOFError, zlib.error) as error:
            raise OutOfReach(f"{path or 'standard input'}: {getattr(error, 'strerror', None) or error}") from None


@contextmanager
def open_whole_output(name: str, inputs: Sequence[str] = ()) -> Iterator[BinaryIO]:
    """As `open_output`, but the file is there only once it is whole: one that was there stays until then."""
    if name == STANDARD:
        yield sys.stdout.buffer
        return
    _require_unread(name, inputs)
    path = Path(name)
    if path.is_dir():
        raise OutOfReach(f"{name or '.'}: {os.strerror(errno.EISDIR)}")
    unfinished = path.with_name(f".unfinished-{os.getpid()}-{path.name}")
    try:
        with _created(unfinished) as output:
            yield output
        unfinished.replace(path)
    except OSError as error:
        raise OutOfReach(f"{name}: {error.strerror or error}") from None
    finally:
        with suppress(OSError):
            unfinished.unlink()


def open_output(name: str, inputs: Sequence[str] = ()) -> AbstractContextManager[BinaryIO]:
    """A new file for writing, compressed where its name ends in .gz; or standard output, which is left open.

    Raises OutOfReach; UsageError where it is one of the `inputs`, which it would empty.
    """
    if name == STANDARD:
        return nullcontext(sys.stdout.buffer)
    _require_unread(name, inputs)
    try:
        return _created(Path(name))
    except OSError as error:
        raise OutOfReach(f"{name}: {error.strerror}") from None


def _created(path: Path) -> BinaryIO:
    return cast(BinaryIO, gzip.open(path, "wb")) if path.name.endswith(".gz") else path.open("wb")


def _require_unread(name: str, inputs: Sequence[str]) -> None:
    if any(each != STANDARD and _is_same(name, each) for each in inputs):
        raise click.UsageError(f"{plain(name)} is read: write to another file")


def _is_same(one: str, other: str) -> bool:
    try:
        return one == other or Path(one).samefile(other)
    except OSError:
        return False


def _standard_input() -> BinaryIO:
    if sys.stdin is None:
        raise OutOfReach("standard input is closed")
    return cast(BinaryIO, sys.stdin.buffer)


def _unpacked(source: "io.BufferedReader[_Counted]", wanted: str = _EVENTS, allowed: Collection[str] = ()) -> BinaryIO:
    begins = source.peek(16)
    for magic, what in _OTHERS.items():
        if begins.startswith(magic) and what not in allowed:
            raise OSError(None, f"this is {what}. {wanted}")
    return cast(BinaryIO, gzip.GzipFile(fileobj=source) if begins.startswith(_GZIP_MAGIC) else source)


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
