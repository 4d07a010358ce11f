"""What is left of an erased student, until when: by the settings that the broker has."""

from datetime import UTC, datetime
from typing import Final

import pytest

from agents.config.channels import Channels
from agents.config.settings import load_settings
from agents.operations.erase.holdings import Holdings

ERASED_AT: Final = datetime(2026, 11, 29, 12, tzinfo=UTC)
CHANNELS: Final = Channels.of(load_settings({}))


@pytest.mark.parametrize(
    ("kept_ms", "until"),
    [
        ("3600000", "2026-11-29T13:00:00Z"),
        ("-1", "for ever"),
        ("9223372036854775807", "for ever"),
        (None, "not told by this broker"),
    ],
)
def test_what_is_left_goes_when_the_topics_retention_says(kept_ms: str | None, until: str) -> None:
    kept = {} if kept_ms is None else {CHANNELS.dead_letters: {"retention.ms": kept_ms}}

    remains = Holdings(CHANNELS, "changelog", kept).remaining(ERASED_AT)

    assert [left.until for left in remains if left.where == CHANNELS.dead_letters] == [until]


@pytest.mark.parametrize("topic", [CHANNELS.erasures, CHANNELS.updates, CHANNELS.history, CHANNELS.reasoning])
def test_what_was_said_of_a_student_is_compacted_within_a_day_as_topics_are_made(topic: str) -> None:
    [spec] = [spec for spec in CHANNELS.specs(load_settings({})) if spec.name == topic]

    remains = Holdings(CHANNELS, "changelog", {topic: spec.config}).remaining(ERASED_AT)

    assert "2026-11-30T12:00:00Z" in {left.until for left in remains if left.where == topic}
