"""The item bank: how hard items and components are, and what answers say of a student. Fitted by `train`, then frozen.

It is a JSON file, so that reading one runs no code. Its numbers are parts of log-odds, rounded to COEFFICIENT_DIGITS.
"""

import math
from itertools import pairwise
from typing import Annotated, Final

import msgspec
from msgspec import Meta, Struct

from schemas.versioned import read_versioned

BANK_VERSION: Final = 1
COEFFICIENT_DIGITS: Final = 5
MAX_BANK_BYTES: Final = 256 * 1024 * 1024

Share = Annotated[float, Meta(ge=0, le=1)]
LogOdds = Annotated[float, Meta(ge=-100, le=100)]


class BankUnreadable(ValueError):
    """Bytes that hold no item bank, or one of another version; the message says what is wrong."""


class ComponentEffect(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """How far one component lies from all others: its easiness, and what its wins and fails say beyond the usual."""

    easiness: LogOdds = 0.0
    wins: LogOdds = 0.0
    fails: LogOdds = 0.0


class AnswerModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The coefficients of one logistic regression, see `streams.mastery.model`. A component that it does not know is
    the usual one.

    `wins` and `fails` are those of log(1 + n) in an answer's components, `untouched` of such as were never answered,
    `all_wins` and `all_fails` of log(1 + n) over all components. `learnt_components` and `learnt_items` are those of
    what norms say of how easy these are.
    """

    intercept: LogOdds
    wins: LogOdds
    fails: LogOdds
    untouched: LogOdds
    all_wins: LogOdds
    all_fails: LogOdds
    components: dict[str, ComponentEffect]
    learnt_components: LogOdds = 1.0
    learnt_items: LogOdds = 1.0


class OutlookModel(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The coefficients by which the mean of all later answers is predicted, see `streams.mastery.model`."""

    intercept: LogOdds
    share: LogOdds
    level: LogOdds
    seen: LogOdds
    seen_share: LogOdds
    seen_level: LogOdds


class HalfWidths(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Half-widths of 90 % intervals of the mean of later answers in a component, by how many there were: `edges` rise
    and split that number.
    """

    edges: tuple[float, ...]
    half_widths: tuple[Share, ...]

    def __post_init__(self) -> None:
        if len(self.half_widths) != len(self.edges) + 1:
            raise ValueError("there must be one half-width more than edges")
        if any(low >= high for low, high in pairwise(self.edges)):
            raise ValueError("edges must rise")


class ItemBank(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`items` are the easiness of items, beyond their components', which `with_item` adds; `without_item` is asked
    where the item is unknown, or is not to matter. A bank may know nothing and leave all to norms.
    """

    version: int
    items: dict[str, LogOdds]
    with_item: AnswerModel
    without_item: AnswerModel
    outlook: OutlookModel
    component_intervals: HalfWidths


def write_bank(bank: ItemBank) -> bytes:
    """The bank as it is stored: equal banks have equal bytes."""
    return msgspec.json.encode(bank, order="deterministic") + b"\n"


def read_bank(stored: bytes) -> ItemBank:
    """The bank in these bytes. Raises BankUnreadable."""
    return read_versioned(stored, ItemBank, BANK_VERSION, MAX_BANK_BYTES, BankUnreadable)


def rounded(value: float) -> float:
    """A number as a bank holds it. Raises ValueError for one that is not finite."""
    if not math.isfinite(value):
        raise ValueError(f"{value} is no coefficient")
    return round(float(value), COEFFICIENT_DIGITS) + 0.0
