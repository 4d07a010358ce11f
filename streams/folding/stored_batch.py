"""The stored rows of a batch's students: the headers of all, and the rest of those in which something is folded."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from typing import Final

import numpy as np

from schemas.errors import Fatal
from streams.rows.codec import row_headers, split_rows
from streams.rows.erasure import RowErasure, erasure_of
from streams.rows.layout import NEW_HEADER, Indices
from streams.rows.row_batch import Integers, RowBatch
from streams.rows.segments import Segments, StoredKey
from streams.rows.table import StoredRows

_NEW_ROW: Final = NEW_HEADER.tobytes()


class StoredBatch:
    """What is stored of `keys`, to be folded under `epochs`; rows of an earlier one forget their offsets, origins and
    where their students' erasures end: all are of the topic that was.

    Raises Fatal for a row of a later epoch, and for one that cannot be read.
    """

    def __init__(self, keys: Sequence[StoredKey], stored: StoredRows, epochs: Integers) -> None:
        self._keys, self._load = keys, partial(_load, stored)
        self._rows = self._load(keys)
        self.headers = row_headers([_NEW_ROW if row is None else row for row in self._rows])
        of_rows = self.headers["epoch"]
        if len(ahead := np.flatnonzero(of_rows > epochs)):
            of_row, of_partition = of_rows[ahead[0]], epochs[ahead[0]]
            raise Fatal(
                f"a row is of epoch {of_row}, its partition's checkpoint of {of_partition}: see docs/recovering.md"
            )
        self._is_earlier = of_rows < epochs
        if self._is_earlier.any():
            self.headers = self.headers.copy()
            self.headers["offset"][self._is_earlier] = -1

    @property
    def erasures(self) -> Mapping[int, RowErasure]:
        """By the indices of students who were erased, up to where; none of those of whom only the time is known."""
        erased = np.flatnonzero((self.headers["erased_us"] > 0) & ~self._is_earlier).tolist()
        if not erased:
            return {}
        sections = split_rows([self._rows[index] or _NEW_ROW for index in erased]).sections["erasure"]
        return {index: erasure_of(section) for index, section in zip(erased, sections, strict=True) if section}

    def rows(self, students: Indices, names: tuple[str, ...]) -> RowBatch:
        """The rows of the `students` with these indices, decoded for skills of these `names`."""
        indices = students.tolist()
        segments = Segments([self._keys[index] for index in indices], self._load)
        rows = RowBatch.of([self._rows[index] for index in indices], names, segments)
        for index in np.flatnonzero(self._is_earlier[students]).tolist():
            rows.headers["offset"][index] = -1
            rows.sections["origins"][index] = rows.sections["erasure"][index] = b""
        return rows


def _load(stored: StoredRows, keys: Sequence[StoredKey]) -> Sequence[bytes | None]:
    found: list[bytes | None] = []
    for partition, some in groupby(keys, itemgetter(0)):
        found += stored.get_many(partition, [key for _, key in some])
    return found
