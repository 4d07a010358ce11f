"""Rows of a batch of students as arrays: one row a student, one column a fact or a skill.

    stored rows ──of──► RowBatch ──Fold──► RowBatch ──sources, fusion──► RowBatch ──encode──► stored rows

Decoding, folding, scoring and encoding cost a few array operations a batch, whatever the number of students. Numbers
are moved as whole records. The parts that few events need (`ids`, `controls`, `failures`, `origins`, `segments`,
`components`, `tasks`), or none (`explanations`), stay bytes (`streams.rows.stored_sections`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from schemas.errors import Fatal
from streams.rows.codec import encode_row, pending_of, split_rows
from streams.rows.layout import (
    EVIDENCE_ITEM,
    FACT,
    HEADER,
    MAX_FACTS,
    NEW_HEADER,
    SKILL_STATE,
    Array,
    Indices,
    chunks,
    ragged,
)
from streams.rows.row import MAX_EVIDENCE, MAX_SKILL_STATES, Pending, Row, decayed
from streams.rows.segments import Segments
from streams.rows.skill_codes import SkillCodes
from streams.rows.split import Split
from streams.rows.stored_sections import StoredSections
from streams.vocabulary import FACTS

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_SEEN: Final = ("text_newest_s", "rubric_newest_s")
_NEW_ROW: Final = NEW_HEADER.tobytes()
_NEVER: Final = -1.0


@dataclass(slots=True)
class RowBatch:
    """`facts` are records of shape (rows, facts), `skill_states` (rows, skills), `evidence_items` (rows, skills,
    MAX_EVIDENCE), each as in `streams.rows.layout`: `facts["n"]` is a column of numbers, as wide as it is stored there.

    A fact of n 0, an evidence item of weight 0 is none. `foreign` keeps the states of skills that are not configured,
    and their evidence items, by row; `segments` are those beside the rows.
    """

    names: tuple[str, ...]
    headers: Array
    facts: Array
    skill_states: Array
    evidence_items: Array
    sections: StoredSections
    segments: Segments
    foreign: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    _decay: tuple[tuple[bytes, bytes], Floats] | None = None

    @classmethod
    def of(cls, rows: Sequence[bytes | None], names: tuple[str, ...], segments: Segments | None = None) -> Self:
        """Decode stored rows, None for a student not seen yet; `names` are the skills, in the order of the columns.

        Without `segments`, none are stored: rows that have some can't be folded into.

        Raises Fatal for a row that cannot be read.
        """
        all_new = rows.count(None) == len(rows)
        split = None if all_new else split_rows([_NEW_ROW if row is None else row for row in rows])
        skill_states = np.zeros((len(rows), len(names)), SKILL_STATE)
        skill_states["score"] = skill_states["explained"] = _NEVER
        row_batch = cls(
            names,
            np.frombuffer(bytearray(_NEW_ROW * len(rows)), HEADER) if split is None else split.headers,
            np.zeros((len(rows), len(FACTS)), FACT),
            skill_states,
            np.zeros((len(rows), len(names), MAX_EVIDENCE), EVIDENCE_ITEM),
            StoredSections.none(len(rows)) if split is None else split.sections,
            Segments([(0, b"%d" % row_index) for row_index in range(len(rows))]) if segments is None else segments,
        )
        if split is not None:
            row_batch._fill(split)
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
        times = reference_us.tobytes(), as_of_us.tobytes()
        if self._decay is None or self._decay[0] != times:
            self._decay = times, decays(reference_us.tolist(), as_of_us.tolist())
            self._decay[1].flags.writeable = False
        return self._decay[1]

    def pending(self, row_index: int) -> Pending:
        """What reasoning a row's student is owed, as an object of its own."""
        return pending_of(self.headers[row_index])

    def with_pending(self, pending: Sequence[Pending]) -> "RowBatch":
        """The same rows, of which the first owe this reasoning."""
        headers = self.headers.copy()
        for name in Pending.__struct_fields__:
            headers[name][: len(pending)] = [getattr(each, name) for each in pending]
        return replace(self, headers=headers)

    def with_scores(self, score: Floats, confidence: Floats) -> "RowBatch":
        """The same rows with other scores, of shape (rows, skills)."""
        skill_states = self.skill_states.copy()
        skill_states["score"], skill_states["confidence"] = score, confidence
        return replace(self, skill_states=skill_states)

    def take(self, row_indices: Sequence[int]) -> "RowBatch":
        """These rows, in this order, as a row batch of their own."""
        at = np.asarray(row_indices, np.intp)
        return RowBatch(
            self.names,
            self.headers.take(at),
            self.facts.take(at, axis=0),
            self.skill_states.take(at, axis=0),
            self.evidence_items.take(at, axis=0),
            self.sections.take(row_indices),
            self.segments.take(row_indices),
            {to: self.foreign[row_index] for to, row_index in enumerate(row_indices) if row_index in self.foreign},
        )

    def encode(self) -> list[bytes]:
        """The rows as they are stored. The same rows give the same bytes, whatever batch they are in."""
        facts = self._fact_pieces()
        skill_states, evidence_items = self._skill_pieces()
        sections = self.sections.encode(self.headers)
        headers = chunks(self.headers, np.ones(len(self), np.intp))
        rows = list(map(b"".join, zip(headers, facts, skill_states, evidence_items, *sections, strict=True)))
        for row_index in self.foreign:
            rows[row_index] = self._with_foreign(row_index, rows[row_index])
        return rows

    def _fill(self, split: Split) -> None:
        try:
            indices = split.fact_indices(len(FACTS))
        except ValueError:
            raise Fatal("a stored row knows facts that this program doesn't: upgrade it") from None
        _whole(self.facts)[indices] = _whole(split.facts)
        if len(split.skill_states):
            self._fill_skills(split)

    def _fill_skills(self, split: Split) -> None:
        skills, states, items = SkillCodes.of(self.names), split.skill_states, split.evidence_items
        columns, ours = skills.find(states["skill"])
        first = split.owner * len(self.names) + columns
        counts = states["evidence_items"].astype(np.intp)
        at = (first * MAX_EVIDENCE - (counts.cumsum() - counts)).repeat(counts) + np.arange(len(items))
        if not ours.all() or counts.max() > MAX_EVIDENCE:
            of_skill, slot = ragged(counts)
            of_ours = ours[of_skill]
            self._keep_foreign(split.owner[~ours], states[~ours], items[~of_ours])
            shown = of_ours & (slot < MAX_EVIDENCE)
            first, states, at, items = first[ours], states[ours], at[shown], items[shown]
        _whole(self.skill_states)[first] = _whole(states)
        _whole(self.evidence_items)[at] = _whole(items)

    def _keep_foreign(self, owner: Indices, states: Array, items: Array) -> None:
        """Keep the states of skills that are not configured, and their evidence items, as the bytes that they are."""
        rows, state_counts = np.unique(owner, return_counts=True)
        item_counts = np.bincount(owner, states["evidence_items"], len(self))[rows].astype(np.intp)
        pieces = zip(chunks(states, state_counts), chunks(items, item_counts), strict=True)
        self.foreign.update(zip(rows.tolist(), pieces, strict=True))

    def _fact_pieces(self) -> list[bytes]:
        """The facts of each row; which they are is noted in the headers."""
        present = self.facts["n"] > 0
        bits = np.zeros((len(self), MAX_FACTS), np.bool_)
        bits[:, : len(FACTS)] = present
        self.headers["facts"] = np.packbits(bits, bitorder="little").view(np.uint64)
        return chunks(_whole(self.facts).take(present.ravel().nonzero()[0]), present.sum(axis=1))

    def _skill_pieces(self) -> tuple[list[bytes], list[bytes]]:
        """The skill states and the evidence items of each row; how many they are is noted in the headers."""
        skills, states = SkillCodes.of(self.names), self.skill_states
        has_item = self.evidence_items["weight"] != 0
        item_counts = sum(has_item[:, :, slot].view(np.uint8) for slot in range(MAX_EVIDENCE))
        present = (item_counts > 0) | (states["score"] >= 0) | (states["explained"] >= 0)
        for name in _SEEN:
            present |= states[name] > 0
        states["skill"], states["evidence_items"] = skills.codes, item_counts
        pieces = []
        for name, records, has_record, columns in (
            ("skill_states", states, present, skills.columns[:-1]),
            (
                "evidence_items",
                self.evidence_items,
                has_item.reshape(len(self), len(skills.item_indices)),
                skills.item_indices,
            ),
        ):
            row, column = np.divmod(has_record.take(columns, axis=1).ravel().nonzero()[0], len(columns))
            self.headers[name] = counts = has_record.sum(axis=1)
            pieces.append(chunks(_whole(records).take(row * len(columns) + columns[column]), counts))
        return pieces[0], pieces[1]

    def _with_foreign(self, row_index: int, row: bytes) -> bytes:
        """The row with the states of other skills behind ours, as many as a row may hold."""
        split = split_rows([row])
        states, items = self.foreign[row_index]
        skill_states = np.frombuffer(states, SKILL_STATE)[: MAX_SKILL_STATES - len(split.skill_states)]
        evidence_items = np.frombuffer(items, EVIDENCE_ITEM)[: int(skill_states["evidence_items"].sum())]
        headers = split.headers
        headers["skill_states"] += len(skill_states)
        headers["evidence_items"] += len(evidence_items)
        numbers = (headers, split.facts, split.skill_states, skill_states, split.evidence_items, evidence_items)
        return b"".join((*(part.tobytes() for part in numbers), *(part for [part] in split.sections.encode(headers))))


def _whole(records: Array) -> Array:
    """The same records without their fields, flat: they are moved at a tenth of the time."""
    return records.reshape(-1).view(f"V{records.dtype.itemsize}")


def decays(reference_us: Sequence[int], at_us: Sequence[int]) -> Floats:
    """2^((reference − at)/half-life), by the same function for every row: arrays of another size round alike."""
    return np.array([decayed(a, b) for a, b in zip(reference_us, at_us, strict=True)], np.float64)
