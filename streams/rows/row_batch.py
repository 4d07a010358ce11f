"""Rows of a batch of students as arrays: one row a student, one column a fact or a skill.

    stored rows ──of──► RowBatch ──Fold──► RowBatch ──sources, fusion──► RowBatch ──encode──► stored rows

Decoding, folding, scoring and encoding cost a few array operations a batch, whatever the number of students. Parts
that few events need (`ids`, `controls`, `failures`, `origins`, `segments`, `components`, `tasks`), or none
(`explanations`), stay bytes, a list of one a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Fatal
from streams.rows.codec import encode_row, pending_of, split_rows
from streams.rows.layout import (
    EVIDENCE_ITEM,
    EXTENSIONS,
    FACT,
    MAX_FACTS,
    NEW_HEADER,
    SECTIONS,
    SKILL_STATE,
    Array,
    Indices,
    Many,
    Split,
    chunks,
    extensions_of,
    ragged,
)
from streams.rows.row import MAX_EVIDENCE, MAX_SKILL_STATES, Pending, Row, decayed
from streams.rows.segments import Segments
from streams.vocabulary import FACTS, skill_code

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
class RowBatch:
    """`facts[name]` has shape (rows, facts), `skill_states[name]` (rows, skills), `evidence_items[name]` (rows, skills,
    3).

    Names are those of `streams.rows.layout`; a fact of n 0, an evidence item of weight 0 is none. `foreign` keeps the
    states of skills that are not configured, by row; `segments` are those beside the rows.
    """

    names: tuple[str, ...]
    headers: Array
    facts: dict[str, Array]
    skill_states: dict[str, Array]
    evidence_items: dict[str, Array]
    sections: dict[str, list[bytes]]
    segments: Segments
    foreign: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    _decay: tuple[Array, Array, Floats] | None = None

    @classmethod
    def of(cls, rows: Sequence[bytes | None], names: tuple[str, ...], segments: Segments | None = None) -> Self:
        """Decode stored rows, None for a student not seen yet; `names` are the skills, in the order of the columns.

        Without `segments`, none are stored: rows that have some can't be folded into.

        Raises Fatal for a row that cannot be read.
        """
        known = [row_index for row_index, row in enumerate(rows) if row is not None]
        row_batch = cls(
            names,
            np.full(len(rows), NEW_HEADER),
            _columns(FACT, (len(rows), len(FACTS))),
            _columns(SKILL_STATE, (len(rows), len(names)), skip=("skill", "evidence_items")),
            _columns(EVIDENCE_ITEM, (len(rows), len(names), MAX_EVIDENCE)),
            {name: [b""] * len(rows) for name in (*SECTIONS, *EXTENSIONS)},
            Segments([(0, b"%d" % row_index) for row_index in range(len(rows))]) if segments is None else segments,
        )
        if known:
            row_batch._fill(np.array(known), split_rows([row for row in rows if row is not None]))
        return row_batch

    @classmethod
    def of_rows(cls, rows: Sequence[Row], names: tuple[str, ...]) -> Self:
        """As `of`, from rows as objects."""
        return cls.of([encode_row(row) for row in rows], names)

    def __len__(self) -> int:
        """Rows."""
        return len(self.headers)

    @property
    def decay(self) -> Floats:
        """What carries each row's decayed sums from its reference time to its newest event; shape (rows,). Computed
        once for as long as these times stay as they are.
        """
        reference_us, as_of_us = self.headers["reference_us"], self.headers["as_of_us"]
        known = self._decay
        if known is None or not (np.array_equal(known[0], reference_us) and np.array_equal(known[1], as_of_us)):
            known = reference_us.copy(), as_of_us.copy(), decays(reference_us.tolist(), as_of_us.tolist())
            known[2].flags.writeable = False
            self._decay = known
        return known[2]

    def pending(self, row_index: int) -> Pending:
        """What reasoning a row's student is owed, as an object of its own."""
        return pending_of(self.headers[row_index])

    def with_pending(self, pending: Sequence[Pending]) -> "RowBatch":
        """The same rows, of which the first owe this reasoning."""
        headers = self.headers.copy()
        for name in Pending.__struct_fields__:
            headers[name][: len(pending)] = [getattr(each, name) for each in pending]
        return replace(self, headers=headers)

    def take(self, row_indices: Sequence[int]) -> "RowBatch":
        """These rows, in this order, as a row batch of their own."""
        at = np.asarray(row_indices, np.intp)
        return RowBatch(
            self.names,
            self.headers[at],
            _picked(self.facts, at),
            _picked(self.skill_states, at),
            _picked(self.evidence_items, at),
            {name: [section[row_index] for row_index in row_indices] for name, section in self.sections.items()},
            self.segments.take(row_indices),
            {to: self.foreign[row_index] for to, row_index in enumerate(row_indices) if row_index in self.foreign},
        )

    def encode(self) -> list[bytes]:
        """The rows as they are stored. The same rows give the same bytes, whatever batch they are in."""
        order = np.argsort([skill_code(name) for name in self.names])
        facts, fact_counts = self._fact_records()
        item_records, item_counts = self._item_records(order)
        skill_states, skill_counts = self._skill_records(order, item_counts)
        headers = self.headers
        headers["skill_states"], headers["evidence_items"] = skill_counts, item_counts.sum(axis=1)
        extensions = [self.sections[name] for name in EXTENSIONS]
        headers["version"], lengths = extensions_of(*extensions)
        for name, size in SECTIONS.items():
            headers[name] = np.fromiter(map(len, self.sections[name]), np.intp, len(headers)) // size
        pieces = [
            chunks(headers, np.ones(len(headers), np.intp)),
            chunks(facts, fact_counts),
            chunks(skill_states, skill_counts),
            chunks(item_records, item_counts.sum(axis=1)),
        ]
        sections = (*(self.sections[name] for name in SECTIONS), lengths, *extensions)
        rows = list(map(b"".join, zip(*pieces, *filter(any, sections), strict=True)))
        for row_index in self.foreign:
            rows[row_index] = self._with_foreign(row_index, rows[row_index])
        return rows

    def _fill(self, row_indices: Indices, split: Split) -> None:
        if np.any(split.fact_bits[:, len(FACTS) :]):
            raise Fatal("a stored row knows facts that this program doesn't: upgrade it")
        self.headers[row_indices] = split.headers
        fact = np.flatnonzero(split.fact_bits.view(np.bool_)) % MAX_FACTS  # a fifth of the time of np.nonzero of bytes
        _scatter(self.facts, row_indices[split.facts.owner] * len(FACTS) + fact, split.facts.records)
        for name in self.sections:
            pieces = split.sections[name]
            if any(pieces):
                for row_index, part in zip(row_indices.tolist(), pieces, strict=True):
                    self.sections[name][row_index] = part
        self._fill_skills(row_indices, split.skill_states, split.evidence_items)

    def _fill_skills(self, row_indices: Indices, skill_states: Many, item_records: Many) -> None:
        codes = np.array([skill_code(name) for name in self.names], np.uint32)
        by_code = np.argsort(codes)
        at_code = np.searchsorted(codes[by_code], skill_states.records["skill"])
        skill = np.append(by_code, 0)[at_code]
        ours = np.append(codes[by_code], 0)[at_code] == skill_states.records["skill"]
        first = row_indices[skill_states.owner] * len(self.names) + skill
        _scatter(self.skill_states, first[ours], skill_states.records[ours])
        counts = skill_states.records["evidence_items"].astype(np.intp)
        of_skill, slot = ragged(counts)
        shown = ours[of_skill] & (slot < MAX_EVIDENCE)
        at = first[of_skill[shown]] * MAX_EVIDENCE + slot[shown]
        _scatter(self.evidence_items, at, item_records.records[shown])
        if not ours.all():
            foreign = Many(skill_states.owner[~ours], skill_states.records[~ours])
            self._fill_foreign(row_indices, foreign, item_records.records[~ours[of_skill]])

    def _fill_foreign(self, row_indices: Indices, skill_states: Many, item_records: Array) -> None:
        """Keep the states of skills that are not configured, and their evidence items, as the bytes that they are."""
        owner, skill_counts = np.unique(skill_states.owner, return_counts=True)
        item_counts = np.bincount(skill_states.owner, skill_states.records["evidence_items"])[owner].astype(np.intp)
        pieces = zip(chunks(skill_states.records, skill_counts), chunks(item_records, item_counts), strict=True)
        self.foreign.update(zip(row_indices[owner].tolist(), pieces, strict=True))

    def _fact_records(self) -> tuple[Array, Array]:
        present = self.facts["n"] > 0
        bits = np.zeros((len(self), MAX_FACTS), np.uint8)
        bits[:, : present.shape[1]] = present
        self.headers["facts"] = np.packbits(bits, axis=1, bitorder="little").view("<u8").reshape(-1)
        return _gathered(FACT, self.facts, np.flatnonzero(present)), present.sum(axis=1)

    def _item_records(self, order: Indices) -> tuple[Array, Array]:
        present = self.evidence_items["weight"][:, order] != 0
        row, skill, slot = np.nonzero(present)
        at = (row * len(order) + order[skill]) * MAX_EVIDENCE + slot
        return _gathered(EVIDENCE_ITEM, self.evidence_items, at), present.sum(axis=2)

    def _skill_records(self, order: Indices, item_counts: Array) -> tuple[Array, Array]:
        has_state = (self.skill_states["score"] >= 0) | (self.skill_states["explained"] >= 0)
        for name in _SEEN:
            has_state |= self.skill_states[name] > 0
        present = (item_counts > 0) | has_state[:, order]
        row, column = np.nonzero(present)
        skill = order[column]
        records = _gathered(SKILL_STATE, self.skill_states, row * len(order) + skill)
        records["skill"] = np.array([skill_code(name) for name in self.names])[skill]
        records["evidence_items"] = item_counts[row, column]
        return records, present.sum(axis=1)

    def _with_foreign(self, row_index: int, row: bytes) -> bytes:
        """The row with the states of other skills behind ours, as many as a row may hold."""
        split = split_rows([row])
        skill_states = np.frombuffer(self.foreign[row_index][0], SKILL_STATE)[
            : MAX_SKILL_STATES - len(split.skill_states.records)
        ]
        item_records = np.frombuffer(self.foreign[row_index][1], EVIDENCE_ITEM)[
            : int(skill_states["evidence_items"].sum())
        ]
        headers = split.headers
        headers["skill_states"] += len(skill_states)
        headers["evidence_items"] += len(item_records)
        pieces = (
            headers,
            split.facts.records,
            split.skill_states.records,
            skill_states,
            split.evidence_items.records,
            item_records,
        )
        return b"".join((*(part.tobytes() for part in pieces), *(part[0] for part in split.sections.values())))


def _picked(columns: dict[str, Array], at: Indices) -> dict[str, Array]:
    return {name: column[at] for name, column in columns.items()}


def decays(reference_us: Sequence[int], at_us: Sequence[int]) -> Floats:
    """2^((reference − at)/half-life), by the same function for every row: arrays of another size round alike."""
    return np.array([decayed(a, b) for a, b in zip(reference_us, at_us, strict=True)], np.float64)


def _scatter(columns: dict[str, Array], at: Indices, records: Array) -> None:
    """Put records into columns, `at` their places were these flat: one index is half the work of several."""
    for name, column in columns.items():
        column.reshape(-1)[at] = records[name]


def _gathered(kind: "np.dtype[Any]", columns: dict[str, Array], at: Indices) -> Array:
    """The records `at` these places of the columns, were these flat."""
    records = np.zeros(len(at), kind)
    for name, column in columns.items():
        records[name] = column.take(at)
    return records
