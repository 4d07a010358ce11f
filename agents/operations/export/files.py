"""Files of flat rows: CSV, JSON lines or Parquet."""

import csv
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from datetime import datetime
from io import TextIOWrapper
from typing import BinaryIO, Final, Literal, Protocol

import orjson

from agents.operations.export.flat import FlatRow, FlatTable, Value

FileFormat = Literal["csv", "jsonl", "parquet"]


class RowFile(Protocol):
    """Takes rows; `close` writes what is left of them."""

    def write(self, rows: Sequence[FlatRow]) -> None:
        """Add rows, all values in the order of the table's columns."""
        ...

    def close(self) -> None:
        """Nothing comes any more."""
        ...


def row_file(file: BinaryIO, file_format: FileFormat, table: FlatTable) -> AbstractContextManager[RowFile]:
    """Rows into `file`, which stays open."""
    return closing(_MAKERS[file_format](file, table))


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
