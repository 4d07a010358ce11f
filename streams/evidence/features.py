"""Features: students' rows as numbers for a model (docs/features.md is made of what is declared here).

Six columns a fact and a few for the whole row; and, against the norms in force, a few that compare the row with those
of its cohort. What is not known is NaN, never 0: models take missing values as such.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property, lru_cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from streams.norms.relative import NORM_COLUMNS
from streams.norms.view import NormView
from streams.rows.layout import CONTROL, Array, Indices, ragged
from streams.rows.row import MAX_CONTROLS
from streams.rows.row_batch import Floats, RowBatch, decays
from streams.rows.row_facts import RowFacts
from streams.vocabulary import INDEX, Fact

DAY_US: Final = 86_400 * 1_000_000
MOST_SINCE_S: Final = 240.0
_ACT: Final = {
    name: at
    for at, name in enumerate(("set_controls", "varied_none", "varied_one", "varied_some", "isolated", "reset"))
}
_ACTS: Final = np.array([INDEX[name] for name in _ACT], np.intp)
"""Facts of the steps of a simulation."""


class _Rows:
    """Rows of a batch, all or the `chosen`, at given times, and the arrays that several features share."""

    def __init__(self, row_batch: RowBatch, at_us: Sequence[int] | None, chosen: Indices | None) -> None:
        self._row_batch = row_batch
        self._chosen = chosen
        self.headers = row_batch.headers if chosen is None else row_batch.headers[chosen]
        if at_us is None:
            self.at_us: Array = self.headers["as_of_us"]
            self.decay = row_batch.decay if chosen is None else row_batch.decay[chosen]
        else:
            self.at_us = np.array(at_us, np.int64)
            self.decay = decays(self.headers["reference_us"].tolist(), at_us)

    def __len__(self) -> int:
        """Rows."""
        return len(self.headers)

    @cached_property
    def controls(self) -> dict[str, Floats] | None:
        """How often each control was `alone` and `isolated`, shape (rows, MAX_CONTROLS), NaN behind the last; None
        where no row has any.
        """
        controls = self.section("controls")
        if not any(controls):
            return None
        counts = np.fromiter(map(len, controls), np.intp, len(controls)) // CONTROL.itemsize
        at, records = ragged(counts), np.frombuffer(b"".join(controls), CONTROL)
        dense = {name: np.full((len(controls), MAX_CONTROLS), np.nan) for name in ("alone", "isolated")}
        for name, columns in dense.items():
            columns[at] = records[name]
        return dense

    @cached_property
    def since_s(self) -> Floats:
        """How long before the last step of a simulation each of _ACTS was last seen, which no other work changes; cut,
        so that whoever comes back to a simulation on another day is not beyond all who were trained on. Shape (rows,
        acts).
        """
        newest_s = self.fact("newest_s", _ACTS)
        last_step_s = np.fmax(newest_s[:, _ACT["set_controls"]], newest_s[:, _ACT["reset"]])
        return np.minimum(last_step_s[:, None] - newest_s, MOST_SINCE_S)

    def relative(self, norms: NormView) -> Floats:
        """NORM_COLUMNS of the rows, shape (rows, columns)."""
        facts = self._row_batch.facts if self._chosen is None else self._row_batch.facts[self._chosen]
        return norms.relative(RowFacts(self.headers, facts, self.section("enrolment"), self.section("components")))

    def section(self, name: str) -> Sequence[bytes]:
        """A part of each row, as it is stored."""
        of_all: Sequence[bytes] = self._row_batch.sections[name]
        return of_all if self._chosen is None else [of_all[row] for row in self._chosen.tolist()]

    def column(self, name: str, fact: int | Indices) -> Array:
        """One column of the facts, or one a fact."""
        column: Array = self._row_batch.facts[name]
        if self._chosen is None:
            return column[:, fact]
        return column[self._chosen, fact] if isinstance(fact, int) else column[self._chosen[:, None], fact]

    def fact(self, name: str, fact: int | Indices) -> Floats:
        """As `column`, NaN where the fact was never seen."""
        return np.where(self.column("n", fact) > 0, self.column(name, fact), np.nan)


class FactColumn(NamedTuple):
    """One feature of every fact: what it is, in words, and how it is computed of many rows; shape (rows, facts)."""

    words: str
    compute: Callable[[_Rows, Indices], Floats]


class RowColumn(NamedTuple):
    """One feature of the whole row."""

    words: str
    compute: Callable[[_Rows], Floats]


FACT_COLUMNS: Final = {
    "n": FactColumn(
        "how often, ever; 0 if never",
        lambda rows, fact: rows.column("n", fact).astype(np.float64),
    ),
    "mean": FactColumn(
        "mean of its values, of all times",
        lambda rows, fact: _mean(rows, fact, rows.column("n", fact)),
    ),
    "sd": FactColumn("standard deviation of its values, from two on", lambda rows, fact: _deviation(rows, fact)),
    "recent_n": FactColumn(
        "how often, each time counting half as much 30 days later; 0 if never",
        lambda rows, fact: rows.column("recent_n", fact) * rows.decay[:, None],
    ),
    "recent_mean": FactColumn(
        "mean of its values, weighed likewise",
        lambda rows, fact: _ratio(rows.fact("recent_total", fact), rows.fact("recent_n", fact)),
    ),
    "age_days": FactColumn(
        "days since it last happened",
        lambda rows, fact: (rows.at_us[:, None] / 1e6 - rows.fact("newest_s", fact)) / 86_400,
    ),
}
ROW_COLUMNS: Final = {
    "days": RowColumn("days since the first event", lambda rows: (rows.at_us - rows.headers["first_us"]) / DAY_US),
    "events": RowColumn("events of use for any skill", lambda rows: rows.headers["events"].astype(np.float64)),
    "controls_seen": RowColumn("controls of simulations set at all", lambda rows: _controls(rows, "alone", -1)),
    "controls_alone_once": RowColumn("controls ever set alone", lambda rows: _controls(rows, "alone", 0)),
    "controls_alone_twice": RowColumn("controls set alone twice or more", lambda rows: _controls(rows, "alone", 1)),
    "controls_isolated_once": RowColumn(
        "controls ever changed while the others stayed", lambda rows: _controls(rows, "isolated", 0)
    ),
    "controls_isolated_twice": RowColumn(
        "controls changed twice or more while the others stayed", lambda rows: _controls(rows, "isolated", 1)
    ),
    "controls_alone_least": RowColumn("how often the control least set alone was", lambda rows: _least(rows, "alone")),
    "controls_isolated_least": RowColumn(
        "how often the control least changed while the others stayed was", lambda rows: _least(rows, "isolated")
    ),
    "since_varied_none_s": RowColumn(
        "seconds from the last run with no control set to the last step of a simulation, 240 at most",
        lambda rows: _since(rows, "varied_none"),
    ),
    "since_varied_one_s": RowColumn(
        "the same, from the last run with a single control set", lambda rows: _since(rows, "varied_one")
    ),
    "since_varied_some_s": RowColumn(
        "the same, from the last run with more controls set", lambda rows: _since(rows, "varied_some")
    ),
    "since_isolated_s": RowColumn(
        "the same, from the last change of one control while the others stayed", lambda rows: _since(rows, "isolated")
    ),
    "since_reset_s": RowColumn("the same, from the last reset", lambda rows: _since(rows, "reset")),
    "handed_in_share": RowColumn(
        "work handed in, as a share of it and of due dates missed",
        lambda rows: _of_what_was_due(rows, "n", "submitted"),
    ),
    "mark_of_due": RowColumn(
        "the mean mark, a due date missed counting as 0", lambda rows: _of_what_was_due(rows, "total", "marked")
    ),
}
FEATURES: Final = (
    *ROW_COLUMNS,
    *(f"{fact.key}.{column}" for fact in Fact if fact.standing != "language" for column in FACT_COLUMNS),
)
"""What a row says by itself."""
NORM_FEATURES: Final = tuple(NORM_COLUMNS)
"""What it says against norms; all NaN where there are none."""
_REVISIONS: Final[dict[str, int]] = {}
"""Columns of a fact, and features of the whole row, that mean something else than they first did: their revision."""


def facts_read(features: Iterable[str]) -> set[Fact]:
    """The facts that some features are columns of; features of the whole row are of none."""
    return {INDEX[fact] for fact, of_fact, _ in (name.partition(".") for name in features) if of_fact}


def revision_of(feature: str) -> int:
    """How often what `feature` means was changed, from 1; 0 where there is no such feature."""
    if feature not in FEATURES and feature not in NORM_FEATURES:
        return 0
    fact, _, column = feature.partition(".")
    return INDEX[fact].revision + _REVISIONS.get(column, 1) - 1 if column else _REVISIONS.get(feature, 1)


def features_of(
    row_batch: RowBatch,
    names: Sequence[str],
    at_us: Sequence[int] | None = None,
    chosen: Indices | None = None,
    norms: NormView | None = None,
) -> NDArray[np.float64]:
    """Features of a row batch, or of the rows with the indices `chosen`, shape (rows, names); as known at each row's
    `as_of`, or at `at_us` where given, and against `norms`.

    Raises KeyError for a name that is neither in FEATURES nor in NORM_FEATURES.
    """
    rows = _Rows(row_batch, at_us, chosen)
    matrix = np.empty((len(rows), len(names)))
    columns = _by_column(tuple(names))
    for name, at in columns.of_rows:
        matrix[:, at] = ROW_COLUMNS[name].compute(rows)
    for name, (indices, facts) in columns.of_facts.items():
        matrix[:, indices] = FACT_COLUMNS[name].compute(rows, facts)
    if len(columns.relative):
        indices, wanted = columns.relative.T
        matrix[:, indices] = np.nan if norms is None else rows.relative(norms)[:, wanted]
    return matrix


class _Columns(NamedTuple):
    """Where features go in a matrix: those of the whole row by name; those of facts by column, and of which facts, as a
    column of all facts is computed at once; and which of NORM_FEATURES go where, shape (features, 2).
    """

    of_rows: list[tuple[str, int]]
    of_facts: dict[str, tuple[Indices, Indices]]
    relative: Indices


@lru_cache(maxsize=64)
def _by_column(names: tuple[str, ...]) -> _Columns:
    of_facts: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    of_rows, relative = [], []
    for at, name in enumerate(names):
        if name in ROW_COLUMNS:
            of_rows.append((name, at))
        elif name in NORM_COLUMNS:
            relative.append((at, NORM_FEATURES.index(name)))
        else:
            fact, _, column = name.partition(".")
            of_facts[column].append((at, INDEX[fact]))
    indices = {name: np.array(pairs, np.intp).T for name, pairs in of_facts.items()}
    return _Columns(of_rows, {name: (at, facts) for name, (at, facts) in indices.items()}, np.array(relative, np.intp))


def _controls(rows: _Rows, name: str, above: int) -> Floats:
    if rows.controls is None:
        return np.zeros(len(rows))
    return np.asarray(np.add.reduce(rows.controls[name] > above, axis=1, dtype=np.float64))


def _least(rows: _Rows, name: str) -> Floats:
    if rows.controls is None:
        return np.full(len(rows), np.nan)
    return np.asarray(np.fmin.reduce(rows.controls[name], axis=1))


def _since(rows: _Rows, fact: str) -> Floats:
    return rows.since_s[:, _ACT[fact]]


def _of_what_was_due(rows: _Rows, column: str, fact: str) -> Floats:
    """What there is of a fact, over its number and that of the due dates missed: it means the same in courses with few
    and with many deadlines. NaN where neither was seen.
    """
    n = rows.column("n", INDEX[fact]).astype(np.float64) + rows.column("n", INDEX["missed"])
    return _ratio(rows.column(column, INDEX[fact]).astype(np.float64), n)


def _deviation(rows: _Rows, fact: Indices) -> Floats:
    n = rows.column("n", fact)
    mean = _mean(rows, fact, n)
    variance = np.maximum(_ratio(rows.column("squares", fact), n) - mean * mean, 0.0)
    return np.where(n >= 2, np.sqrt(variance), np.nan)


def _mean(rows: _Rows, fact: Indices, n: Array) -> Floats:
    return _ratio(rows.column("total", fact), n)


def _ratio(part: Floats, whole: Array) -> Floats:
    ratio: Floats = np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
    return ratio
