"""The answers of a history, each with the counts before it: what an item bank is fitted to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from streams.mastery.counts import AnswerCounts
from streams.rows.layout import Indices
from streams.rows.row_batch import Floats

NO_KNOWN_ITEM = -1


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerHistory:
    """Answers, each student's in their order. Arrays of shape (answers,), but for those of components, (uses,).

    `student`, `item` (NO_KNOWN_ITEM: none) and `component` are indices of `students`, `items` and `components`.
    `ordinal` is the number of the student's answers before, `times_us` says when it was given; `all_wins` and
    `all_fails` are counted over components.
    Each use is a component of the answer `owner`, with the `wins` and `fails` that the student had in it before.
    """

    students: Sequence[str]
    items: Sequence[str]
    components: Sequence[str]
    student: Indices
    ordinal: Indices
    times_us: NDArray[np.int64]
    item: Indices
    outcome: Floats
    all_wins: Floats
    all_fails: Floats
    owner: Indices
    component: Indices
    wins: Floats
    fails: Floats

    def __len__(self) -> int:
        return len(self.outcome)

    def of(self, chosen: NDArray[np.bool_]) -> "AnswerHistory":
        """The answers that are chosen, True for each; names keep their indices."""
        number = np.cumsum(chosen) - 1
        used = chosen[self.owner]
        by_answer = {name: getattr(self, name)[chosen] for name in _BY_ANSWER}
        by_use = {name: getattr(self, name)[used] for name in ("component", "wins", "fails")}
        return replace(self, **by_answer, **by_use, owner=number[self.owner[used]])

    @property
    def share(self) -> Floats:
        """What each use counts for among those of its answer."""
        return 1.0 / np.bincount(self.owner, minlength=len(self))[self.owner]


_BY_ANSWER = ("student", "ordinal", "times_us", "item", "outcome", "all_wins", "all_fails")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Students after some of their answers, and the mean of all that came later (`outcome`).

    `counts` has a row a moment, `student`, `times_us` (when the next answer was given) and `answered` (how many answers
    by then) an element.
    """

    counts: AnswerCounts
    student: Indices
    times_us: NDArray[np.int64]
    answered: Indices
    outcome: Floats

    def __len__(self) -> int:
        return len(self.outcome)

    def of(self, chosen: NDArray[np.bool_]) -> "Moments":
        """The moments that are chosen, True for each."""
        counts = self.counts.of_rows(np.flatnonzero(chosen))
        return Moments(
            counts=counts,
            student=self.student[chosen],
            times_us=self.times_us[chosen],
            answered=self.answered[chosen],
            outcome=self.outcome[chosen],
        )
