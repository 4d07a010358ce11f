"""Sums of items, as far as they are the same however answers were cut into steps."""

from typing import Final

import numpy as np

from streams.norms.item_sums import ItemSums

_ORDERED: Final = {"newest_s", "turn", "recent"}


def exact_sums(sums: ItemSums) -> dict[int, dict[str, object]]:
    """By item and field."""
    fields = [name for name in sums.records.dtype.names or () if name not in _ORDERED]
    return {
        int(record["item"]): {name: np.asarray(record[name]).tolist() for name in fields} for record in sums.records
    }
