"""Collecting what the walk shows: answers, and moments for the outlook."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.event import NO_ITEM
from streams.mastery.counts import AnswerCounts
from streams.rows.layout import Indices
from streams.training.mastery.answers import NO_KNOWN_ITEM, AnswerHistory, Moments
from streams.training.mastery.walk import Round

MOMENTS_AFTER: Final = (1, 2, 3, 4, 6, 8, 10, 12, 15, 19, 24, 30, 38, 46, 50, 58, 70, 84, 100, 120, 150, 190, 240)
"""After how many answers a student is a moment."""
MIN_LATER: Final = 10
"""A mean of fewer later answers is too much noise to be an outcome."""


class Later:
    """Of each student, how many answers there were so far, and how many of them right; at the end, the mean of those
    that came after a moment.
    """

    def __init__(self, students: int) -> None:
        self._n = np.zeros(students, np.intp)
        self._right = np.zeros(students)

    def before(self, student: Indices) -> tuple[Indices, NDArray[np.float64]]:
        """How many, and how many right, by now."""
        return self._n[student], self._right[student]

    def add(self, student: Indices, outcome: NDArray[np.float64]) -> None:
        """One more answer each; no student twice."""
        self._n[student] += 1
        self._right[student] += outcome

    def mean_after(
        self, student: Indices, answered: Indices, right: NDArray[np.float64]
    ) -> tuple[Indices, NDArray[np.float64]]:
        """How many came after, and the mean of these, NaN of none."""
        n = self._n[student] - answered
        total = self._right[student] - right
        return n, np.divide(total, n, out=np.full(len(n), np.nan), where=n > 0)


class Collection:
    """Takes rounds, one after the other."""

    def __init__(self, students: Sequence[str]) -> None:
        self._students = students
        self._items: dict[str, int] = {}
        self._components: dict[str, int] = {}
        self._later = Later(len(students))
        self._parts: defaultdict[str, list[NDArray[Any]]] = defaultdict(list)
        self._counts: list[AnswerCounts] = []
        self._answers = 0

    def take(self, each: Round) -> None:
        """Take the next round: of its answers, those that count."""
        counted = np.flatnonzero(~np.isnan(each.outcome))
        student = np.array(each.student, np.intp)[counted]
        answered, right = self._later.before(student)
        self._take_answers(each, counted, student, answered)
        here = np.isin(answered, MOMENTS_AFTER)
        self._counts.append(each.counts.of_rows(counted[here]))
        columns = {"m_student": student, "m_times_us": each.times_us[counted], "m_answered": answered, "m_right": right}
        for name, values in columns.items():
            self._parts[name].append(values[here])
        self._later.add(student, each.outcome[counted])

    def answers(self) -> AnswerHistory:
        """All answers that count, round by round: those of one student are in their order."""
        whole = ("student", "ordinal", "times_us", "item", "owner", "component")
        fractions = ("outcome", "all_wins", "all_fails", "wins", "fails")
        columns: dict[str, Any] = {name: self._column(name, np.intp) for name in whole}
        columns |= {name: self._column(name, np.float64) for name in fractions}
        return AnswerHistory(
            students=self._students, items=list(self._items), components=list(self._components), **columns
        )

    def moments(self) -> Moments:
        """Those that MIN_LATER or more answers came after."""
        student, answered = self._column("m_student", np.intp), self._column("m_answered", np.intp)
        later, mean = self._later.mean_after(student, answered, self._column("m_right", np.float64))
        moments = Moments(
            counts=AnswerCounts.joined(self._counts),
            student=student,
            times_us=self._column("m_times_us", np.int64),
            answered=answered,
            outcome=mean,
        )
        return moments.of(later >= MIN_LATER)

    def _take_answers(self, each: Round, counted: Indices, student: Indices, ordinal: Indices) -> None:
        items = [self._item(each.attempts[at].item_id) for at in counted.tolist()]
        names = [list(dict.fromkeys(each.attempts[at].kcs or ())) for at in counted.tolist()]
        components = [self._components.setdefault(name, len(self._components)) for some in names for name in some]
        number = np.full(len(each.outcome), -1, np.intp)
        number[counted] = np.arange(len(counted))
        owner = number[each.questions.owner]
        used = owner >= 0
        wins, fails = each.counts.at(each.questions.row[each.questions.owner], each.questions.code)
        columns = {
            "student": student,
            "ordinal": ordinal,
            "times_us": each.times_us[counted],
            "item": np.array(items, np.intp),
            "outcome": each.outcome[counted],
            "all_wins": each.counts.all_wins[counted],
            "all_fails": each.counts.all_fails[counted],
            "owner": owner[used] + self._answers,
            "component": np.array(components, np.intp),
            "wins": wins[used],
            "fails": fails[used],
        }
        for name, column in columns.items():
            self._parts[name].append(column)
        self._answers += len(counted)

    def _item(self, item: str) -> int:
        return NO_KNOWN_ITEM if item.startswith(NO_ITEM) else self._items.setdefault(item, len(self._items))

    def _column(self, name: str, kind: Any) -> NDArray[Any]:
        return np.concatenate([*self._parts[name], np.zeros(0, kind)]).astype(kind)
