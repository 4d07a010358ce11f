"""Valid documents with up to three parts replaced or taken away, for hypothesis: what it finds it makes small."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from tests.fuzz.mutation import places


def values(common: Sequence[Any], names: Sequence[str]) -> st.SearchStrategy[Any]:
    """Anything that JSON can say, what is `common` often among it; members are called by `names`."""
    return st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(2**63), 2**64 - 1)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters(codec="utf-8"), max_size=8)
        | st.sampled_from(common),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(names), inner),
        max_leaves=6,
    )


@st.composite
def mutated(draw: st.DrawFn, valid: Sequence[Any], other: st.SearchStrategy[Any], at_least: int = 0) -> Any:
    """One of `valid` with `at_least` one change or none, each a part that is taken away or replaced by an `other`."""
    document = deepcopy(draw(st.sampled_from(valid)))
    for _ in range(draw(st.integers(at_least, 3))):
        holder, key = draw(st.sampled_from(list(places(document)) or [({}, "id")]))
        if draw(st.booleans()):
            holder[key] = deepcopy(draw(other))
        elif holder:
            del holder[key]
    return document
