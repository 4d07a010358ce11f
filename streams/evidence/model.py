"""Model: a scikit-learn classifier a skill, over the features of the whole row."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import ThreadpoolController

from streams.artifacts import Artifact
from streams.evidence.source import Opinion, OwnThread, Status
from streams.facts import ENDED, FACTS, INDEX, SAT_DOWN
from streams.features import features_of
from streams.folding import decayed
from streams.row import Row

_EDGE: Final = 0.005
# A sitting's start and end tell a model where the student is, and nothing of the skill: they are no evidence.
_CONTEXT: Final = frozenset({SAT_DOWN, ENDED})
# An event tells several facts; each of these stands for one event, so that an event is not counted twice.
_LEADING: Final = frozenset(
    INDEX[name]
    for name in "attempted submitted missed set_controls reset wrote reflected helped asked agreed disagreed "
    "enrolled watched finished sought".split()
)


class ModelSource:
    """The `model` source; a skill without a model in the artifact is absent."""

    name = "model"

    def __init__(self, artifact: Artifact, skills: Sequence[str]) -> None:
        self._columns = [
            (column, artifact.models[skill], _Inputs(artifact.card.skills[skill].features))
            for column, skill in enumerate(skills)
            if skill in artifact.models
        ]
        self._width = len(skills)
        self._thread = OwnThread(self.name)
        self._pools = ThreadpoolController()

    async def judge(self, rows: Sequence[Row]) -> Opinion:
        """See Source."""
        return await self._thread.run(self.compute, rows)

    def compute(self, rows: Sequence[Row], at_us: Sequence[int] | None = None) -> Opinion:
        """The opinion at each row's `as_of`, or at `at_us`; pure.

        A student with no event among a model's inputs, other than of sittings, is absent to it. n is the decayed
        number of those events.
        """
        opinion = Opinion.empty(len(rows), self._width)
        for column, model, inputs in self._columns:
            n, age_s = inputs.evidence(rows)
            known = [int(line) for line in np.flatnonzero(n > 0)]
            if not known:
                continue
            matrix = features_of(
                [rows[line] for line in known],
                inputs.features,
                None if at_us is None else [at_us[line] for line in known],
            )
            with self._pools.limit(limits=1):
                p = model.predict_proba(matrix)[:, 1]
            opinion.p[known, column] = np.clip(p, _EDGE, 1 - _EDGE)
            opinion.n[known, column] = n[known]
            opinion.age_s[known, column] = age_s[known]
            opinion.status[known, column] = Status.OK
        return opinion


class _Inputs:
    """A model's features, and the facts that they are made of."""

    def __init__(self, features: Sequence[str]) -> None:
        self.features = tuple(features)
        read = {FACTS.index(name.split(".")[0]) for name in features if "." in name}
        self._facts = sorted(read - _CONTEXT or read)

    def evidence(self, rows: Sequence[Row]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Effective number of input events, and age in s of the newest; each of shape (rows,)."""
        n, age_s = np.zeros(len(rows)), np.zeros(len(rows))
        for line, row in enumerate(rows):
            totals = {fact: row.facts[fact] for fact in self._facts if fact in row.facts}
            if totals:
                leading = sum(t.recent_n for fact, t in totals.items() if fact in _LEADING)
                events = max(leading, max(t.recent_n for t in totals.values()))
                n[line] = events * decayed(row.reference_us, row.as_of_us)
                age_s[line] = max(row.as_of_us / 1e6 - max(t.newest_s for t in totals.values()), 0)
        return n, age_s
