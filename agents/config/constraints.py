"""What a setting may be, in words: made of the type that it is declared with.

SKILLSTREAM_PARTITIONS: "four" is not a whole number of 1..10000
SKILLSTREAM_STORE: "disk" is not one of memory, rocksdb
"""

from typing import Any, Final

from msgspec import inspect

_UNITS: Final = {
    "_s": "seconds",
    "_ms": "milliseconds",
    "_mb": "MiB",
    "_bytes": "bytes",
    "_days": "days",
    "_per_minute": "calls a minute",
    "_per_hour": "calls an hour",
}


def allowed(name: str, type_: object) -> str:
    """What a field of this name and type may be, to follow 'is not'."""
    words = _words(inspect.type_info(type_))
    unit = next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "")
    return f"{words} {unit}".rstrip()


def _words(type_: inspect.Type) -> str:
    match type_:
        case inspect.Metadata(type=inner):
            return _words(inner)
        case inspect.UnionType(types=types):
            return _words(next(each for each in types if not isinstance(each, inspect.NoneType)))
        case inspect.LiteralType(values=values):
            return f"one of {', '.join(map(str, values))}"
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType():
            return f"a whole number{_range(type_)}"
        case inspect.FloatType():
            return f"a number{_range(type_)}"
        case inspect.StrType(pattern=str(pattern)):
            return f"a text of the form {pattern.removeprefix('^').removesuffix('$')}"
        case inspect.VarTupleType(item_type=item) | inspect.ListType(item_type=item):
            return f"a list, each {_words(item)}, with commas between"
    return "a text"


def _range(type_: Any) -> str:
    if type_.gt is not None and type_.le is not None:
        return f" above {_number(type_.gt)}, at most {_number(type_.le)}"
    if type_.ge is not None and type_.le is not None:
        return f" of {_number(type_.ge)}..{_number(type_.le)}"
    low = f" of at least {_number(type_.ge)}" if type_.ge is not None else ""
    return low + (f" of at most {_number(type_.le)}" if type_.le is not None else "")


def _number(value: float) -> str:
    return f"{value:.15g}"
