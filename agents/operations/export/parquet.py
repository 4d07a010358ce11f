"""Flat rows as Parquet, by pyarrow: the extra `parquet`."""

from collections.abc import Sequence
from typing import Any, BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq

from agents.operations.export.flat import ColumnType, FlatRow, FlatTable

_ROWS_OF_GROUP: Final = 100_000
_TYPES: Final[dict[ColumnType, Any]] = {
    "text": pa.string(),
    "number": pa.float64(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "time": pa.timestamp("ms", tz="UTC"),
}


class ParquetFile:
    """Row groups of some 100,000 rows, compressed with zstd."""

    def __init__(self, file: BinaryIO, table: FlatTable) -> None:
        self._schema = pa.schema([(name, _TYPES[kind]) for name, kind in table.columns.items()])
        self._writer = pq.ParquetWriter(file, self._schema, compression="zstd")
        self._rows: list[FlatRow] = []

    def write(self, rows: Sequence[FlatRow]) -> None:
        """See RowFile."""
        self._rows += rows
        if len(self._rows) >= _ROWS_OF_GROUP:
            self._write_group()

    def close(self) -> None:
        """See RowFile."""
        self._write_group()
        self._writer.close()

    def _write_group(self) -> None:
        if self._rows:
            columns = zip(*self._rows, strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, self._schema, strict=True)]
            self._writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=self._schema))
            self._rows = []
