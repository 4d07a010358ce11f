"""The experiments, by what they break. Importing this package lists them."""

from typing import Final

from tests.chaos.experiments import (
    bombs,
    brokers,
    changelog,
    costly,
    disks,
    forged,
    garbage,
    kills,
    membership,
    norms,
    planted,
    producers,
    recoveries,
    retention,
    scaling,
    seams,
    signals,
    tenants,
    topics,
    upgrades,
)

SEED: Final = 20_261
__all__ = [
    "SEED",
    "bombs",
    "brokers",
    "changelog",
    "costly",
    "disks",
    "forged",
    "garbage",
    "kills",
    "membership",
    "norms",
    "planted",
    "producers",
    "recoveries",
    "retention",
    "scaling",
    "seams",
    "signals",
    "tenants",
    "topics",
    "upgrades",
]
