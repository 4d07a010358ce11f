"""Many JSON texts of one form, column by column: numbers are formatted all at once, and a row is joined in C.

An object for every part, to be encoded and thrown away, costs half as much again.
"""

from collections.abc import Iterable, Iterator
from itertools import repeat
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from streams.rows.layout import Array

SCORE_DIGITS: Final = 4
"""Of scores and rates, behind the point."""
_SIZES: Final = 10.0 ** np.arange(-12, 3)
_SCALES: Final = 10.0 ** np.arange(15, -1, -1)
"""By which numbers from the size before it on, and below the next one, become whole with three digits."""
Column = bytes | Iterable[bytes]
SkillIndices = tuple[Array, Array]
"""Rows and skills, as indices of the same number, by row and then by skill."""


def indices_of(chosen: NDArray[np.bool_]) -> SkillIndices:
    """Where `chosen`, of shape (rows, skills), is true."""
    row, skill = np.nonzero(chosen)
    return row, skill


def grouped(texts: Iterable[bytes], owner: Array, owners: int, form: bytes | None = None) -> list[bytes]:
    """Each owner's texts as one, with commas, and in `form`, if it has any; they are in the order of their owners."""
    ordered = list(texts)
    ends = np.cumsum(np.bincount(owner, minlength=owners)).tolist()
    spans = zip([0, *ends], ends, strict=False)
    if form is None:
        return [b",".join(ordered[start:end]) for start, end in spans]
    return [form % b",".join(ordered[start:end]) if start < end else b"" for start, end in spans]


def joined_columns(*columns: Column) -> Iterator[bytes]:
    """Line by row, what the columns hold; bytes are the same in every row."""
    return map(b"".join, zip(*(repeat(one) if isinstance(one, bytes) else one for one in columns), strict=False))


def numbers(values: NDArray[np.float64], digits: int = SCORE_DIGITS) -> list[bytes]:
    """Each of them in JSON, rounded; none may be NaN."""
    return _split(np.round(values, digits))


def numerals(values: NDArray[np.float64]) -> list[bytes]:
    """Each of them in JSON, as they are; whole ones without a point."""
    return _listed(values).replace(b".0,", b",").split(b",")[:-1]


def significant(values: "NDArray[np.floating[Any]]") -> NDArray[np.float64]:
    """Each of them rounded to three significant digits, and none beyond its point: 0.0357, 1.7, 1234."""
    exact = values.astype(np.float64)
    scale = _SCALES[np.searchsorted(_SIZES, np.abs(exact), side="right")]
    return np.asarray(np.rint(exact * scale) / scale)


def integers(values: "NDArray[Any]") -> list[bytes]:
    """Each of them in JSON, without what is behind its point."""
    return _split(values.astype(np.int64))


def _split(values: "NDArray[Any]") -> list[bytes]:
    return _listed(values).split(b",")[:-1]


def _listed(values: "NDArray[Any]") -> bytes:
    """Each of them in JSON, with a comma behind it; zero has no sign."""
    listed = orjson.dumps(np.ascontiguousarray(values + 0), option=orjson.OPT_SERIALIZE_NUMPY)
    return b"%b," % listed[1:-1] if len(values) else b""


def dates(times_ms: NDArray[np.int64]) -> list[bytes]:
    """RFC 3339 in UTC, to the millisecond."""
    texts: list[bytes] = np.datetime_as_string(times_ms.astype("datetime64[ms]"), timezone="UTC").astype("S").tolist()
    return texts


def json_string(value: str) -> bytes:
    """A JSON string."""
    return orjson.dumps(value)
