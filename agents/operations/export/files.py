"""Files of flat rows: CSV, JSON lines or Parquet. A file is there when it is whole, under its own name."""

import csv
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO, Final, Literal, Protocol

import orjson

from agents.operations.export.flat import FlatRow, FlatTable, Value
from schemas.errors import SkillstreamError

FileFormat = Literal["csv", "jsonl", "parquet"]
STANDARD_OUTPUT: Final = "-"


class UnwritableFile(SkillstreamError):
    """A file that cannot be written."""


class RowFile(Protocol):
    """Takes rows; `close` writes what is left of them."""

    def write(self, rows: Sequence[FlatRow]) -> None:
        """Add rows, all values in the order of the table's columns."""
        ...

    def close(self) -> None:
        """Nothing comes any more."""
        ...


@contextmanager
def row_file(name: str, file_format: FileFormat, table: FlatTable) -> Iterator[RowFile]:
    """A file of that name, or standard output for `-`. One that was there stays until the new one is whole, and if
    writing it fails.

    Raises UnwritableFile.
    """
    make = _MAKERS[file_format]
    if name == STANDARD_OUTPUT:
        rows = make(sys.stdout.buffer, table)
        yield rows
        rows.close()
        return
    path = Path(name)
    partial = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with partial.open("xb") as file:
            rows = make(file, table)
            try:
                yield rows
            finally:
                rows.close()
        partial.replace(path)
    except OSError as error:
        raise UnwritableFile(f"{name}: {error.strerror or error}") from None
    finally:
        partial.unlink(missing_ok=True)


class CsvFile:
    """RFC 4180 with a line of names first, in UTF-8; what there is not is empty."""

    def __init__(self, file: BinaryIO, table: FlatTable) -> None:
        self._text = TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._csv = csv.writer(self._text, lineterminator="\r\n")
        self._csv.writerow(table.columns)

    def write(self, rows: Sequence[FlatRow]) -> None:
        """See RowFile."""
        self._csv.writerows([_csv_text(value) for value in row] for row in rows)

    def close(self) -> None:
        """See RowFile."""
        self._text.detach()


class JsonlFile:
    """An object a row, with all columns; what there is not is null."""

    def __init__(self, file: BinaryIO, table: FlatTable) -> None:
        self._file = file
        self._names = list(table.columns)

    def write(self, rows: Sequence[FlatRow]) -> None:
        """See RowFile."""
        options = orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
        self._file.writelines(orjson.dumps(dict(zip(self._names, row, strict=True)), option=options) for row in rows)

    def close(self) -> None:
        """See RowFile."""
        self._file.flush()


def _parquet_file(file: BinaryIO, table: FlatTable) -> RowFile:
    from agents.operations.export.parquet import ParquetFile  # an extra: most do without

    return ParquetFile(file, table)


def _csv_text(value: Value) -> str | float | int | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return value


_MAKERS: Final[dict[FileFormat, Callable[[BinaryIO, FlatTable], RowFile]]] = {
    "csv": CsvFile,
    "jsonl": JsonlFile,
    "parquet": _parquet_file,
}
