"""Rows of a CSV file as native events, by a mapping: each row an event, passed over, or unreadable.

row ──► first of `events` that it fits ──none──► passed over
                 │
                 └─► its fields, cell by cell ──► native event ──► or what is wrong, with the column
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, TextIO

from msgspec import inspect

from schemas.configuration.similar import did_you_mean
from schemas.dialects import native
from schemas.errors import InvalidInput
from schemas.event import NativeEvent
from streams.conversion.csv_cells import value_in
from streams.conversion.csv_mapping import CsvColumn, CsvEvent, CsvMapping, fields_of
from streams.conversion.csv_times import TimeReader
from streams.conversion.tables import RowUnreadable

_MOST_SHOWN: Final = 20
_UNIT_SEPARATOR: Final = "\x1f"
_FIELD: Final = re.compile(r"\$\.(\w+)")
"""How the contract's errors name a field."""


class CsvRow(NamedTuple):
    """What became of a row that ends on `line`: its event, or what is wrong; neither where it is passed over."""

    line: int
    event: NativeEvent | None
    wrong: str = ""


class HeaderUnreadable(Exception):
    """The first row does not have the columns that the mapping names."""


class CsvEvents:
    """Reads files by one mapping. Rows that are the same to the letter are one event, unless a column has their ids."""

    def __init__(self, mapping: CsvMapping) -> None:
        self._mapping = mapping
        self._time = TimeReader(mapping.time)
        self._fields: list[tuple[CsvEvent, list[tuple[str, CsvColumn, inspect.Field]]]] = [
            (event, [(n, source, fields_of(event.type)[n]) for n, source in mapping.columns_of(event).items()])
            for event in mapping.events
        ]

    @property
    def encoding(self) -> str:
        """The name of the codec of its files."""
        return self._mapping.encoding

    def read(self, text: TextIO) -> Iterator[CsvRow]:
        """Each row of an open file. Raises HeaderUnreadable, and csv.Error for what is no CSV."""
        lines = csv.reader(text, delimiter=self._mapping.delimiter, strict=True)
        header = [name.strip() for name in next(lines, [])]
        self._check(header)
        for cells in lines:
            if not any(cells):
                continue
            if len(cells) != len(header):
                yield CsvRow(lines.line_num, None, f"has {len(cells)} cells, the first row has {len(header)}")
                continue
            try:
                event = self._event(dict(zip(header, cells, strict=True)), cells)
            except RowUnreadable as reason:
                yield CsvRow(lines.line_num, None, str(reason))
            else:
                yield CsvRow(lines.line_num, event)

    def _check(self, header: Sequence[str]) -> None:
        twice = [name for name, times in Counter(header).items() if times > 1]
        if twice:
            raise HeaderUnreadable(f"the first row has the column {twice[0]!r} twice")
        for column, where in self._mapping.named_columns().items():
            if column not in header:
                few = ", ".join(header[:_MOST_SHOWN]) or "none"
                meant = did_you_mean(column, header) or f" There are {few}."
                raise HeaderUnreadable(f"the first row has no column {column!r}, which {where} names.{meant}")

    def _event(self, row: Mapping[str, str], cells: Sequence[str]) -> NativeEvent | None:
        chosen = next((each for each in self._fields if _fits(row, each[0])), None)
        if chosen is None:
            return None
        event, sources = chosen
        try:
            time = self._time.read(row[self._mapping.time.column].strip())
        except RowUnreadable as reason:
            raise RowUnreadable(f'column "{self._mapping.time.column}": {reason}') from None
        said: dict[str, Any] = {"version": 1, "type": event.type, "time": time, "event_id": _id_of(cells)}
        for name, source, field in sources:
            value = value_in(row, source, field, self._mapping.decimal, self._time.read)
            if value is not None:
                said[name] = value
            elif field.required and name != "event_id":
                raise RowUnreadable(f'column "{source.column}": is empty, and {event.type} needs {name}')
        try:
            return native.convert(said)
        except InvalidInput as error:
            raise _refused(error, sources) from None


def _id_of(cells: Sequence[str]) -> str:
    """Of what the row says, so that a file that is converted again, or in parts, has the same ids."""
    return f"csv:{sha256(_UNIT_SEPARATOR.join(cells).encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"


def _refused(error: InvalidInput, sources: Iterable[tuple[str, CsvColumn, inspect.Field]]) -> RowUnreadable:
    """Why the contract does not take an event, by the column of the field that it is about."""
    found = _FIELD.search(str(error))
    column = next((source.column for name, source, _ in sources if found and name == found[1]), "")
    return RowUnreadable(f'column "{column}": {error}' if column else f"{error.reason}: {error}")


def _fits(row: Mapping[str, str], event: CsvEvent) -> bool:
    return all(row[column].strip() in values for column, values in event.when.items())
