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
