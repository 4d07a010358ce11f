"""What a setting may be, in words: made of the type that it is declared with.

SKILLSTREAM_PARTITIONS: "four" is not a whole number of 1..10000
SKILLSTREAM_STORE: "disk" is not one of memory, rocksdb
"""

import math
import re
from operator import ge, gt, le, lt
from typing import Any, Final

from msgspec import inspect

_UNITS: Final = {
    "_s": "seconds",
    "_ms": "milliseconds",
    "_mb": "MiB",
    "_bytes": "bytes",
    "_days": "days",
    "tokens_per_minute": "tokens a minute",
    "usd_per_day": "US dollars a day",
    "usd_per_week": "US dollars a week",
    "usd_per_month": "US dollars a month",
    "_per_minute": "calls a minute",
    "_per_hour": "calls an hour",
}


def allowed(name: str, type_: object) -> str:
    """What a field of this name and type may be, to follow 'is not'."""
    unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    return f"{words(inspect.type_info(type_))} {unit}".rstrip()


def is_allowed(value: object, type_: inspect.Type) -> bool:
    """Whether a value that is no table or list may be of that type."""
    match type_:
        case inspect.Metadata(type=inner):
            return is_allowed(value, inner)
        case inspect.UnionType(types=types):
            return any(is_allowed(value, each) for each in types)
        case inspect.LiteralType(values=values):
            return value in values
        case inspect.BoolType():
            return isinstance(value, bool)
        case inspect.IntType():
            return isinstance(value, int) and not isinstance(value, bool) and _is_within(value, type_)
        case inspect.FloatType():
            return isinstance(value, int | float) and not isinstance(value, bool) and _is_within(value, type_)
        case inspect.StrType(pattern=pattern, min_length=shortest):
            is_long_enough = isinstance(value, str) and len(value) >= (shortest or 0)
            return is_long_enough and re.search(pattern or "", str(value)) is not None
        case inspect.AnyType():
            return True
    return False


def _is_within(value: float, type_: Any) -> bool:
    """False of what is no number."""
    limits = ((type_.ge, ge), (type_.gt, gt), (type_.le, le), (type_.lt, lt))
    return not math.isnan(value) and all(limit is None or compare(value, limit) for limit, compare in limits)


def words(type_: inspect.Type) -> str:
    """What a value of that type may be, to follow 'is not'."""
    match type_:
        case inspect.Metadata(type=inner):
            return words(inner)
        case inspect.UnionType(types=types):
            return " or ".join(words(each) for each in types if not isinstance(each, inspect.NoneType))
        case inspect.StructType(fields=fields):
            return f"a table of {', '.join(field.encode_name for field in fields)}"
        case inspect.DictType():
            return "a table"
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType(ge=int(only), le=most) if only == most:
            return str(only)
        case inspect.IntType():
            return f"a whole number{_range(type_)}"
        case inspect.FloatType():
            return f"a number{_range(type_)}"
        case inspect.StrType(pattern=str(pattern)):
            return f"a text of the form {pattern.removeprefix('^').removesuffix('$')}"
        case inspect.StrType(min_length=int(shortest)):
            return f"a text of {shortest} characters or more"
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return f"a list, each {words(item)}, with commas between"
    return "a text"


def _range(type_: Any) -> str:
    if type_.ge is not None and type_.le is not None:
        return f" of {_number(type_.ge)}..{_number(type_.le)}"
    limits = (("above", type_.gt), ("of at least", type_.ge), ("below", type_.lt), ("at most", type_.le))
    said = ", ".join(f"{how} {_number(limit)}" for how, limit in limits if limit is not None)
    return f" {said}" if said else ""


def _number(value: float) -> str:
    return f"{value:.15g}"
