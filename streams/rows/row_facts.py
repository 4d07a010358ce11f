"""What norms are made of, out of rows: headers, facts, where students learn, and their components; no skill states."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from streams.rows.codec import split_rows
from streams.rows.layout import FACT, Array
from streams.rows.unreadable import unreadable
from streams.vocabulary import FACTS


class RowFacts(NamedTuple):
    """Of rows, in their order: `headers` (HEADER), `facts` (FACT, of shape (rows, facts); n 0 for none), and the parts
    `enrolment` and `components` as they are stored.
    """

    headers: Array
    facts: Array
    enrolment: Sequence[bytes]
    components: Sequence[bytes]

    @classmethod
    def of(cls, rows: Sequence[bytes]) -> Self:
        """Of stored rows of any version. Raises Fatal for one that cannot be read."""
        split = split_rows(rows)
        facts = np.zeros((len(rows), len(FACTS)), FACT)
        try:
            facts.reshape(-1)[split.fact_indices(len(FACTS))] = split.facts
        except ValueError as error:
            raise unreadable(str(error)) from None
        return cls(split.headers, facts, split.sections["enrolment"], split.sections["components"])
