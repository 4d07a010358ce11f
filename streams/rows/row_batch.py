"""Rows of a batch of students as arrays: one line a student, one column a fact or a skill.

    stored rows ──of──► Block ──Fold──► Block ──sources, fusion──► Block ──encode──► stored rows

Decoding, folding, judging and encoding cost a few array operations a batch, whatever the number of students. Parts
that few events need (`ids`, `controls`, `failures`, `origins`, `segments`) stay bytes, a list of one a line.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Fatal
from streams.folding.facts import FACTS
from streams.rows.codec import encode_row, pending_of, split_rows
from streams.rows.layout import (
    CELL,
    FACT,
    MAX_FACTS,
    NEW_HEADER,
    SMALL,
    TELLING,
    Array,
    Indices,
    Many,
    Split,
    chunks,
    ragged,
)
from streams.rows.row import MAX_CELLS, MAX_EVIDENCE, Pending, Row, decayed, skill_code
from streams.rows.segments import Segments

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_EMPTY: Final = {"score": -1.0, "explained": -1.0}
_SEEN: Final = ("text_newest_s", "rubric_newest_s")


def _columns(kind: "np.dtype[Any]", shape: tuple[int, ...], skip: Sequence[str] = ()) -> dict[str, Array]:
    return {
        name: np.full(shape, _EMPTY.get(name, 0), np.float64 if kind[name].kind == "f" else np.int64)
        for name in kind.names or ()
        if name not in skip
    }


@dataclass(slots=True)
class Block:
    """`facts[name]` has shape (lines, facts), `cells[name]` (lines, skills), `told[name]` (lines, skills, 3).

    Names are those of `streams.rows.layout`; a fact of n 0, a telling of weight 0 is none. `foreign` keeps the cells of
    skills that are not configured, by line; `segments` are those beside the rows.
    """

    names: tuple[str, ...]
    head: Array
    facts: dict[str, Array]
    cells: dict[str, Array]
    told: dict[str, Array]
    small: dict[str, list[bytes]]
    segments: Segments
    foreign: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Sequence[bytes | None], names: tuple[str, ...], segments: Segments | None = None) -> Self:
        """Decode stored rows, None for a student not seen yet; `names` are the skills, in the order of the columns.

        Without `segments`, none are stored: rows that have some can't be folded into.

        Raises Fatal for a row that cannot be read.
        """
        known = [line for line, row in enumerate(rows) if row is not None]
        block = cls(
            names,
            np.full(len(rows), NEW_HEADER),
            _columns(FACT, (len(rows), len(FACTS))),
            _columns(CELL, (len(rows), len(names)), skip=("skill", "tellings")),
            _columns(TELLING, (len(rows), len(names), MAX_EVIDENCE), skip=("unused",)),
            {name: [b""] * len(rows) for name in SMALL},
            Segments([b"%d" % line for line in range(len(rows))]) if segments is None else segments,
        )
        if known:
            block._fill(np.array(known), split_rows([row for row in rows if row is not None]))
        return block

    @classmethod
    def of_rows(cls, rows: Sequence[Row], names: tuple[str, ...]) -> Self:
        """As `of`, from rows as objects."""
        return cls.of([encode_row(row) for row in rows], names)

    def __len__(self) -> int:
        """Lines."""
        return len(self.head)

    @property
    def decay(self) -> Floats:
        """What carries each line's decayed sums from its reference time to its newest event; shape (lines,)."""
        return decays(self.head["reference_us"].tolist(), self.head["as_of_us"].tolist())

    def pending(self, line: int) -> Pending:
        """What reasoning a line's student is owed, as an object of its own."""
        return pending_of(self.head[line])

    def set_pending(self, line: int, pending: Pending) -> None:
        """Replace what reasoning a line's student is owed."""
        for name in Pending.__struct_fields__:
            self.head[name][line] = getattr(pending, name)

    def take(self, lines: Sequence[int]) -> "Block":
        """These lines, in this order, as a block of their own."""
        at = np.asarray(lines, np.intp)
        return Block(
            self.names,
            self.head[at],
            _picked(self.facts, at),
            _picked(self.cells, at),
            _picked(self.told, at),
            {name: [parts[line] for line in lines] for name, parts in self.small.items()},
            self.segments.take(lines),
            {to: self.foreign[line] for to, line in enumerate(lines) if line in self.foreign},
        )

    def encode(self) -> list[bytes]:
        """The rows as they are stored. The same rows give the same bytes, whatever batch they are in."""
        order = np.argsort([skill_code(name) for name in self.names])
        facts, fact_counts = self._fact_records()
        tellings, telling_counts = self._telling_records(order)
        cells, cell_counts = self._cell_records(order, telling_counts)
        head = self.head
        head["cells"], head["tellings"] = cell_counts, telling_counts.sum(axis=1)
        for name, size in SMALL.items():
            head[name] = np.fromiter(map(len, self.small[name]), np.intp, len(head)) // size
        parts = [
            chunks(head, np.ones(len(head), np.intp)),
            chunks(facts, fact_counts),
            chunks(cells, cell_counts),
            chunks(tellings, telling_counts.sum(axis=1)),
        ]
        rows = [b"".join(row) for row in zip(*parts, *self.small.values(), strict=True)]
        for line in self.foreign:
            rows[line] = self._with_foreign(line, rows[line])
        return rows

    def _fill(self, lines: Indices, split: Split) -> None:
        if np.any(split.fact_bits[:, len(FACTS) :]):
            raise Fatal("a stored row knows facts that this program doesn't: upgrade it")
        self.head[lines] = split.headers
        _, fact = np.nonzero(split.fact_bits)
        for name, column in self.facts.items():
            column[lines[split.facts.owner], fact] = split.facts.records[name]
        for name, parts in split.small.items():
            for line, part in zip(lines.tolist(), parts, strict=True):
                self.small[name][line] = part
        self._fill_cells(lines, split.cells, split.tellings)

    def _fill_cells(self, lines: Indices, cells: Many, tellings: Many) -> None:
        codes = np.array([skill_code(name) for name in self.names], np.uint32)
        by_code = np.argsort(codes)
        place = np.searchsorted(codes[by_code], cells.records["skill"])
        skill = np.append(by_code, 0)[place]
        ours = np.append(codes[by_code], 0)[place] == cells.records["skill"]
        for name, column in self.cells.items():
            column[lines[cells.owner[ours]], skill[ours]] = cells.records[name][ours]
        counts = cells.records["tellings"].astype(np.intp)
        of_cell, slot = ragged(counts)
        shown = ours[of_cell] & (slot < MAX_EVIDENCE)
        at = lines[cells.owner[of_cell[shown]]], skill[of_cell[shown]], slot[shown]
        for name, column in self.told.items():
            column[at] = tellings.records[name][shown]
        self._fill_foreign(lines, cells, tellings.records[~ours[of_cell]], np.flatnonzero(~ours))

    def _fill_foreign(self, lines: Indices, cells: Many, tellings: Array, left: Indices) -> None:
        """Keep the cells that are `left`, and their tellings, as the bytes that they are."""
        owner, cell_counts = np.unique(cells.owner[left], return_counts=True)
        telling_counts = np.bincount(cells.owner[left], cells.records["tellings"][left])[owner].astype(np.intp)
        parts = zip(chunks(cells.records[left], cell_counts), chunks(tellings, telling_counts), strict=True)
        self.foreign.update(zip(lines[owner].tolist(), parts, strict=True))

    def _fact_records(self) -> tuple[Array, Array]:
        present = self.facts["n"] > 0
        bits = np.zeros((len(self), MAX_FACTS), np.uint8)
        bits[:, : present.shape[1]] = present
        self.head["facts"] = np.packbits(bits, axis=1, bitorder="little").view("<u8").reshape(-1)
        return _gathered(FACT, self.facts, np.nonzero(present)), present.sum(axis=1)

    def _telling_records(self, order: Indices) -> tuple[Array, Array]:
        told = {name: column[:, order] for name, column in self.told.items()}
        present = told["weight"] != 0
        return _gathered(TELLING, told, np.nonzero(present)), present.sum(axis=2)

    def _cell_records(self, order: Indices, telling_counts: Array) -> tuple[Array, Array]:
        cells = {name: column[:, order] for name, column in self.cells.items()}
        present = (telling_counts > 0) | (cells["score"] >= 0) | (cells["explained"] >= 0)
        for name in _SEEN:
            present |= cells[name] > 0
        at = np.nonzero(present)
        records = _gathered(CELL, cells, at)
        records["skill"] = np.array([skill_code(name) for name in self.names])[order][at[1]]
        records["tellings"] = telling_counts[at]
        return records, present.sum(axis=1)

    def _with_foreign(self, line: int, row: bytes) -> bytes:
        """The row with the cells of other skills behind ours, as many as a row may hold."""
        split = split_rows([row])
        cells = np.frombuffer(self.foreign[line][0], CELL)[: MAX_CELLS - len(split.cells.records)]
        tellings = np.frombuffer(self.foreign[line][1], TELLING)[: int(cells["tellings"].sum())]
        head = split.headers
        head["cells"] += len(cells)
        head["tellings"] += len(tellings)
        parts = (head, split.facts.records, split.cells.records, cells, split.tellings.records, tellings)
        return b"".join((*(part.tobytes() for part in parts), *(part[0] for part in split.small.values())))


def _picked(columns: dict[str, Array], at: Indices) -> dict[str, Array]:
    return {name: column[at] for name, column in columns.items()}


def decays(reference_us: Sequence[int], at_us: Sequence[int]) -> Floats:
    """2^((reference − at)/half-life), by the same function for every row: arrays of another size round alike."""
    return np.array([decayed(a, b) for a, b in zip(reference_us, at_us, strict=True)], np.float64)


def _gathered(kind: "np.dtype[Any]", columns: dict[str, Array], at: tuple[Array, ...]) -> Array:
    records = np.zeros(len(at[0]), kind)
    for name, column in columns.items():
        records[name] = column[at]
    return records
