"""A cell's text as a value of the type that a field of a native event has."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import inspect

from schemas.configuration.constraints import is_allowed, words
from streams.conversion.csv_mapping import Constant, CsvColumn
from streams.conversion.tables import RowUnreadable

_TRUE: Final = frozenset(("1", "true", "yes", "y", "t"))
_FALSE: Final = frozenset(("0", "false", "no", "n", "f"))
_SHOWN_CHARS: Final = 60


def value_in(
    row: Mapping[str, str], source: CsvColumn, field: inspect.Field, decimal: str, time: Callable[[str], datetime]
) -> Any:
    """What a row says of a field; None where it says nothing. `time` reads cells of fields that are times.

    Raises RowUnreadable, which names the column.
    """
    if source.constant is not None:
        return _allowed(source.constant, field.type, "the mapping")
    text = row[source.column].strip()
    try:
        said: Constant | None = text
        if source.values:
            said = _replaced(text, source)
        elif not text:
            said = source.default
        if said is None or said == "":
            return None
        if isinstance(_inner(field.type), inspect.DateTimeType):
            return time(str(said))
        value = _typed(said, field.type, source.separator, decimal)
        if source.out_of:
            value = _share(value, row, source.out_of, decimal)
        return _allowed(value, field.type, text)
    except RowUnreadable as reason:
        raise RowUnreadable(f'column "{source.column}": {reason}') from None


def _replaced(text: str, source: CsvColumn) -> Constant | None:
    if text in source.values:
        return source.values[text]
    if not text or source.default is not None:
        return source.default
    raise RowUnreadable(f"{_shown(text)} is not one of {', '.join(source.values)}, which the mapping names")


def _typed(said: Constant, type_: inspect.Type, separator: str, decimal: str) -> Any:
    if not isinstance(said, str):
        return said
    match _inner(type_):
        case inspect.FloatType():
            return _number(said, decimal)
        case inspect.IntType():
            number = _number(said, decimal)
            return int(number) if number.is_integer() else number
        case inspect.BoolType():
            if said.casefold() in _TRUE or said.casefold() in _FALSE:
                return said.casefold() in _TRUE
            raise RowUnreadable(f"{_shown(said)} is not true or false")
        case inspect.VarTupleType():
            return [part.strip() for part in said.split(separator) if part.strip()]
    return said


def _share(value: Any, row: Mapping[str, str], out_of: float | str, decimal: str) -> float:
    most = _number(row[out_of].strip(), decimal) if isinstance(out_of, str) else out_of
    if not isinstance(value, int | float) or most <= 0:
        raise RowUnreadable(f"cannot be divided by {most:g}: the most that can be reached is above 0")
    return value / most


def _number(text: str, decimal: str) -> float:
    try:
        number = float(text.replace(decimal, ".") if decimal != "." else text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise RowUnreadable(f"{_shown(text)} is not a number")
    return number


def _allowed(value: Any, type_: inspect.Type, text: object) -> Any:
    inner = _inner(type_)
    several, each = (value, inner.item_type) if isinstance(inner, inspect.VarTupleType) else ((value,), type_)
    if not isinstance(several, list | tuple) or not all(is_allowed(one, each) for one in several):
        raise RowUnreadable(f"{_shown(text)} is not {words(type_)}")
    return value


def _inner(type_: inspect.Type) -> inspect.Type:
    """The type itself, without what may be left out and what is said of it."""
    while isinstance(type_, inspect.Metadata | inspect.UnionType):
        if isinstance(type_, inspect.Metadata):
            type_ = type_.type
        else:
            type_ = next(each for each in type_.types if not isinstance(each, inspect.NoneType))
    return type_


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
