"""How long the table's log keeps what was superseded, and which settings are as good as those that a worker makes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.delivery.log_policy import ERASED_WITHIN_MS, SEGMENT_MS, compacted, compaction_lag_ms
from agents.delivery.settings import DeliverySettings, changelog_spec
from agents.kafka.topic_settings import compacts_otherwise

TEN_MINUTES_MS = 600_000
MADE = changelog_spec(DeliverySettings(app_id="app", broker="b:9092", sources=("any",), partitions=4)).config
FORMER = {
    "cleanup.policy": "compact",
    "min.compaction.lag.ms": "3600000",
    "max.compaction.lag.ms": "9223372036854775807",
    "segment.ms": "604800000",
    "segment.bytes": "1073741824",
    "min.cleanable.dirty.ratio": "0.5",
    "delete.retention.ms": "86400000",
}

seconds = st.floats(0.5, 120.0)


@given(seconds, seconds, seconds)
def test_nothing_is_compacted_before_the_guard_has_looked_at_a_zombies_last_request(
    session_s: float, request_s: float, guard_s: float
) -> None:
    lag_ms = compaction_lag_ms(session_s, request_s, guard_s)

    assert lag_ms >= 2 * 1000 * (session_s + request_s + guard_s)
    assert lag_ms < 2 * 1000 * (session_s + request_s + guard_s) + 1000
    config = compacted(lag_ms)
    assert int(config["min.compaction.lag.ms"]) <= int(config["max.compaction.lag.ms"]), "Kafka refuses more"


def test_by_default_what_cannot_be_compacted_yet_is_less_than_ten_minutes_old() -> None:
    assert MADE["min.compaction.lag.ms"] == "86000"  # twice 10 s of session, 30 s of a request, 3 s of the guard
    assert SEGMENT_MS + int(MADE["min.compaction.lag.ms"]) < TEN_MINUTES_MS / 2
    assert int(MADE["max.compaction.lag.ms"]) == ERASED_WITHIN_MS


def test_the_longest_session_that_may_be_set_keeps_within_ten_minutes_too() -> None:
    longest = DeliverySettings(app_id="a", broker="b:1", sources=("any",), partitions=4, session_timeout_s=30.0)

    assert SEGMENT_MS + int(changelog_spec(longest).config["min.compaction.lag.ms"]) < TEN_MINUTES_MS


def test_the_former_settings_are_named_one_by_one() -> None:
    assert {name: found for name, found, _ in compacts_otherwise(FORMER, MADE)} == {
        name: FORMER[name]
        for name in (
            "min.compaction.lag.ms",
            "max.compaction.lag.ms",
            "segment.ms",
            "segment.bytes",
            "min.cleanable.dirty.ratio",
        )
    }


@pytest.mark.parametrize(
    "other",
    [
        {},
        {"segment.ms": "60000", "segment.bytes": "1048576", "min.cleanable.dirty.ratio": "0.01"},
        {"max.compaction.lag.ms": "600000", "delete.retention.ms": "604800000"},
        {"min.compaction.lag.ms": str(TEN_MINUTES_MS)},
    ],
)
def test_what_compacts_sooner_is_as_good(other: dict[str, str]) -> None:
    assert list(compacts_otherwise({**MADE, **other}, MADE)) == []


@pytest.mark.parametrize("lag_ms", ["0", "85999", str(TEN_MINUTES_MS + 1)])
def test_a_lag_too_short_for_the_guard_or_too_long_for_a_restart_is_named(lag_ms: str) -> None:
    other = {**MADE, "min.compaction.lag.ms": lag_ms}

    assert list(compacts_otherwise(other, MADE)) == [("min.compaction.lag.ms", lag_ms, "86000")]


def test_a_topic_whose_settings_may_not_be_seen_is_not_judged() -> None:
    assert list(compacts_otherwise({}, MADE)) == []
