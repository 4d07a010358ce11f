"""Reads a TOML document as a type, and says of the first fault where it is, what is wrong and what is allowed.

line 12: skills.empathy.indicators.0.prior: 1.4 is not a number above 0, below 1
line 31: fusion.kapa: there is no such key. Did you mean kappa?
"""

import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from schemas.configuration.constraints import is_allowed, words
from schemas.configuration.lines import Path, line_of
from schemas.configuration.similar import meant_or_all

_SHOWN_CHARS: Final = 60
_T = TypeVar("_T")


class _Fault(NamedTuple):
    path: Path
    what: str


def read_toml(text: str, type_: type[_T]) -> _T:
    """`text` as `type_`. Raises ValueError, whose message names the place of the first fault."""
    return read_document(tomllib.loads(text), type_, text)


def read_document(document: Mapping[str, Any], type_: type[_T], text: str = "") -> _T:
    """As `read_toml`, of what TOML holds; lines are those of `text`."""
    fault = next(_faults(document, inspect.type_info(type_), ()), None)
    if fault is not None:
        line, keys = line_of(text, fault.path), ".".join(map(str, fault.path))
        raise ValueError(f"{f'line {line}: ' if line else ''}{f'{keys}: ' if keys else ''}{fault.what}")
    return msgspec.convert(document, type_)


def _faults(value: object, type_: inspect.Type, path: Path) -> Iterator[_Fault]:
    match type_:
        case inspect.Metadata(type=inner):
            yield from _faults(value, inner, path)
        case inspect.UnionType(types=types):
            table = next((each for each in types if isinstance(each, inspect.DictType | inspect.StructType)), None)
            if table is not None and isinstance(value, dict):
                yield from _faults(value, table, path)
            elif not is_allowed(value, type_):
                yield _Fault(path, f"{_shown(value)} is not {words(type_)}")
        case inspect.StructType() if isinstance(value, dict):
            yield from _in_struct(value, type_, path)
        case inspect.DictType() if isinstance(value, dict):
            yield from _in_table(value, type_, path)
        case inspect.ListType(item_type=item) | inspect.VarTupleType(item_type=item) if isinstance(value, list):
            if len(value) < (type_.min_length or 0):
                yield _Fault(path, f"needs at least {type_.min_length} of {words(item)}, has {len(value)}")
            for number, each in enumerate(value):
                yield from _faults(each, item, (*path, number))
        case _ if not is_allowed(value, type_):
            yield _Fault(path, f"{_shown(value)} is not {words(type_)}")


def _in_struct(table: Mapping[str, Any], type_: inspect.StructType, path: Path) -> Iterator[_Fault]:
    fields = {field.encode_name: field for field in type_.fields}
    for key in table:
        if key not in fields:
            yield _Fault((*path, key), f"there is no such key.{meant_or_all(key, fields)}")
    for name, field in fields.items():
        if name in table:
            yield from _faults(table[name], field.type, (*path, name))
    for name, field in fields.items():
        if field.required and name not in table:
            yield _Fault(path, f"{name} is missing: {words(field.type)}")


def _in_table(table: Mapping[str, Any], type_: inspect.DictType, path: Path) -> Iterator[_Fault]:
    low, high = type_.min_length or 0, type_.max_length
    if len(table) < low or (high is not None and len(table) > high):
        bounds = f"at least {low}" if high is None else f"{low}..{high}"
        yield _Fault(path, f"has {len(table)} entries, {bounds} are allowed")
    for key, value in table.items():
        if not is_allowed(key, type_.key_type):
            yield _Fault((*path, key), f"its name {_shown(key)} is not {words(type_.key_type)}")
        yield from _faults(value, type_.value_type, (*path, key))


def _shown(value: object) -> str:
    """A value as it may be quoted: as TOML has it, and not at length."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    text = str(value).lower() if isinstance(value, bool) else repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
