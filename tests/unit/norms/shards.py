"""Shards made by hand, of what matters to a test."""

from collections.abc import Mapping

import numpy as np

from streams.norms.publishing import NormTopic
from streams.norms.records import COHORT_TOTALS, COMPONENT_TOTALS, ITEM
from streams.norms.shard import NormShard
from tests.norms import APP_ID, EVERY_US, Fields, snapshot_of

TOPIC = NormTopic(APP_ID, 4)


def shard_of(
    items: Mapping[str, Fields] | None = None,
    components: Mapping[str, Fields] | None = None,
    cohorts: Mapping[str, Fields] | None = None,
    *,
    partition: int = 0,
    epoch: int = 0,
    offset: int = 100,
    clock_us: int = EVERY_US,
) -> NormShard:
    """The shard of a partition; sums by name, as norms in `tests.norms.snapshot_of`."""
    tables = snapshot_of(items, components, cohorts)
    assert [each.dtype for each in (tables.items, tables.components, tables.cohorts)] == [
        ITEM,
        COMPONENT_TOTALS,
        COHORT_TOTALS,
    ]
    return NormShard(
        partition, epoch, offset, clock_us, EVERY_US, -1, 0, 0, tables.items, tables.components, tables.cohorts
    )


def seen(*in_periods: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The field of students seen in the last 1, 2, 4 … periods; the last number stands for all longer ones."""
    return np.array([*in_periods, *[in_periods[-1]] * (7 - len(in_periods))])
