"""What a provider says of its own limits, and how long that stops everybody."""

from collections.abc import Mapping

import pytest

from streams.limits import RateLimitExceeded
from streams.reasoning.model.provider_quota import ProviderQuota, duration_s, read_quota
from tests.servers.openai import Answer, LoopbackOpenAI, failing, good
from tests.unit.reasoning.rig import Rig

LEFT = "x-ratelimit-remaining-"
RESET = "x-ratelimit-reset-"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("20ms", 0.02), ("1s", 1), ("6m0s", 360), ("2m59.56s", 179.56), ("1h2m3s", 3723), ("7.66", 7.66), (" 12 ", 12)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert duration_s(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", [None, "", "-1", "soon", "1x", "s", "1764288000", "2026-11-28T00:00:00Z", "1e5", "9" * 400, "1s" * 99 + "?"]
)
def test_what_is_no_duration_is_not_said(text: str | None) -> None:
    assert duration_s(text) is None


@pytest.mark.parametrize(
    ("headers", "wait_s"),
    [
        ({f"{LEFT}requests": "0", f"{RESET}requests": "1m30s"}, 90),
        ({f"{LEFT}requests": "3", f"{RESET}requests": "1m30s"}, 0),
        ({f"{LEFT}tokens": "849", f"{RESET}tokens": "12"}, 12),
        ({f"{LEFT}tokens": "850", f"{RESET}tokens": "12"}, 0),
        ({f"{LEFT}requests": "0", f"{RESET}requests": "5s", f"{LEFT}tokens": "0", f"{RESET}tokens": "9s"}, 9),
        ({f"{LEFT}tokens": "-1", f"{RESET}tokens": "0"}, 0),
        ({f"{LEFT}requests": "0", f"{RESET}requests": "23h59m"}, 3600),
        ({f"{LEFT}requests": "0"}, 0),
        ({}, 0),
    ],
)
def test_what_is_used_up_is_waited_for(headers: Mapping[str, str], wait_s: float) -> None:
    assert (read_quota(headers.get) or ProviderQuota()).wait_s(850) == wait_s


def with_headers(answer: Answer, **headers: str) -> Answer:
    def answered(asked: dict[str, object]) -> object:
        response = answer(asked)
        assert response is not None
        for name, value in headers.items():
            response.headers[name.replace("_", "-")] = value
        return response

    return answered  # type: ignore[return-value]


async def test_a_good_reply_that_used_up_the_providers_limit_holds_all_until_it_is_reset(
    server: LoopbackOpenAI, rig: Rig
) -> None:
    server.plan(
        with_headers(good, x_ratelimit_remaining_requests="0", x_ratelimit_reset_requests="1m30s"),
    )
    explanation, _ = await rig.explain()
    assert explanation is not None
    assert explanation.generator == "model"

    with pytest.raises(RateLimitExceeded) as held:
        await rig.explain()
    assert (held.value.bucket, held.value.retry_after_s) == ("provider", 90)
    rig.clock.advance(seconds=90)
    await rig.explain()
    assert len(server.calls) == rig.grants == 2


async def test_a_throttled_call_without_a_retry_after_waits_for_the_reset(server: LoopbackOpenAI, rig: Rig) -> None:
    headers = {"x_ratelimit_remaining_requests": "0", "x_ratelimit_reset_requests": "7s"}
    server.plan(failing(429, "rate_limit_exceeded", **headers))
    _, result = await rig.explain()
    assert result.not_before_us == result.at_us + 7_000_000


async def test_milliseconds_are_read_before_seconds(server: LoopbackOpenAI, rig: Rig) -> None:
    server.plan(failing(429, "rate_limit_exceeded", retry_after="9", retry_after_ms="1500"))
    _, result = await rig.explain()
    assert result.not_before_us == result.at_us + 1_500_000
