"""Names that producers wrote: bounded, the frequent and the new ones kept, no address of mail whole."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.metrics.seen_names import SeenNames, shortened


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        self.now_s += 1
        return self.now_s


def names(limit: int = 3) -> tuple[SeenNames, list[None]]:
    dropped: list[None] = []
    return SeenNames(limit, lambda: dropped.append(None), Clock()), dropped


def test_the_frequent_stay_and_the_newest_is_seen() -> None:
    seen, dropped = names(limit=3)
    for _ in range(50):
        seen.add(Counter({("xapi", "often"): 10}))
    for number in range(500):
        seen.add(Counter({("xapi", f"rare-{number}"): 1}))

    listed = [each["name"] for each in seen.listed()]
    assert "often" in listed
    assert "rare-499" in listed
    assert len(listed) == 3
    assert len(dropped) == 498


def test_a_flood_of_names_in_one_batch_hides_no_frequent_one() -> None:
    seen, _ = names(limit=10)
    flood = Counter({("xapi", f"urn:made-up-{number}"): 1 for number in range(100_000)})
    flood["xapi", "often"] = 5
    seen.add(flood)

    assert seen.listed()[0]["name"] == "often"
    assert len(seen.listed()) == 10


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 5))))
def test_a_count_is_never_too_low_and_at_least_never_too_high(batches: list[tuple[int, int]]) -> None:
    seen, _ = names(limit=4)
    truth: Counter[str] = Counter()
    for name, events in batches:
        seen.add(Counter({("xapi", str(name)): events}))
        truth[str(name)] += events

    for each in seen.listed():
        assert each["at_least"] <= truth[each["name"]] <= each["events"]


def test_none_are_kept_where_none_may() -> None:
    seen, _ = names(limit=0)
    seen.add(Counter({("xapi", "x"): 1}))

    assert seen.listed() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("urn:jane.doe@school.example", "urn:j…@school.example"),
        ("mailto:jane.doe%40school.example", "mailto:j…%40school.example"),
        ("https://lms.example/u/jane@school.example/verb", "https://lms.example/u/j…@school.example/verb"),
        ("a\n\x1b[2J\u202eb", r"a\n\x1b[2J\u202eb"),
        ("x" * 5_000, "x" * 160 + "…"),
        ("https://lms.example/verbs/peeked", "https://lms.example/verbs/peeked"),
    ],
)
def test_what_is_kept_of_a_name(name: str, kept: str) -> None:
    assert shortened(name) == kept


@given(st.text())
def test_any_name_is_kept_printable_and_short(name: str) -> None:
    assert shortened(name).isprintable()
    assert len(shortened(name)) <= 161
