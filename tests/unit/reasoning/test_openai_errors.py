"""How long a provider asks to wait, in the forms in which it may say so."""

import httpx2
import openai
import pytest

from streams.reasoning.model.openai_errors import model_error
from streams.reasoning.model.reasoning_model import ModelThrottled
from tests.unit.reasoning.rig import START_US


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.25"}, 0.25),
        ({"retry-after-ms": "1500", "retry-after": "9"}, 1.5),
        ({"retry-after": "Sun, 22 Nov 2026 08:01:00 GMT"}, 60),
        ({"retry-after": "Sun, 22 Nov 2026 07:00:00 GMT"}, 20),
        ({"retry-after": "1e9"}, 3600),
        ({"retry-after": "-4"}, 20),
        ({"retry-after": "nan"}, 20),
        ({"retry-after": "later"}, 20),
        ({}, 20),
    ],
)
def test_the_wait_is_read_in_every_form_and_bounded(headers: dict[str, str], seconds: float) -> None:
    request = httpx2.Request("POST", "http://loopback/v1/chat/completions")
    error = openai.RateLimitError("slow down", response=httpx2.Response(429, headers=headers, request=request), body={})
    throttled = model_error(error, START_US)
    assert isinstance(throttled, ModelThrottled)
    assert throttled.retry_after_s == pytest.approx(seconds)


def test_what_the_provider_quotes_is_not_repeated() -> None:
    request = httpx2.Request("POST", "http://loopback/v1/chat/completions")
    body = {"message": "your prompt was: canary", "code": "rate limit: canary"}
    error = openai.RateLimitError("canary", response=httpx2.Response(429, request=request), body=body)
    assert "canary" not in str(model_error(error, START_US))
