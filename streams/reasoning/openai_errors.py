"""What the SDK's exceptions mean to us: which of the five ways of failing it is."""

import math
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import openai

from streams.reasoning.model import (
    ModelBlocked,
    ModelError,
    ModelQuotaExhausted,
    ModelRefused,
    ModelThrottled,
    ModelUnavailable,
)

UNSAID_RETRY_S: Final = 20.0
MAX_RETRY_S: Final = 3600.0
_QUOTA_CODES: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached"})
_PASSING: Final = frozenset({408, 409, 425})


def model_error(error: openai.APIError, now_us: int) -> ModelError:
    """The ModelError that `error` amounts to. Its message holds status and code, nothing that the provider quotes."""
    if isinstance(error, openai.APITimeoutError):
        return ModelUnavailable("the model did not answer in time")
    if isinstance(error, openai.APIConnectionError):
        return ModelUnavailable("the model's server cannot be reached")
    if not isinstance(error, openai.APIStatusError):
        return ModelUnavailable(f"the call failed: {type(error).__name__}")
    status, code = error.status_code, error.code or error.type or "no code"
    told = f"the model's server answered {status} ({_plain(code)})"
    header = error.response.headers.get
    if status == 429:
        if {error.code, error.type} & _QUOTA_CODES:
            return ModelQuotaExhausted(f"{told}: the account's credit is spent; add credit or raise its limit")
        return ModelThrottled(told, _retry_after_s(header, now_us) or UNSAID_RETRY_S)
    if status >= 500 or status in _PASSING:
        return ModelUnavailable(told, _retry_after_s(header, now_us) or 0.0)
    if status in (401, 403):
        return ModelBlocked(f"{told}: check OPENAI_API_KEY, its project and its permissions")
    return ModelRefused(told)


def _retry_after_s(header: Callable[[str], str | None], now_us: int) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (seconds or a date), within 0 and MAX_RETRY_S; None if unsaid."""
    milliseconds = _number(header("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, MAX_RETRY_S)
    text = header("retry-after")
    seconds = _number(text)
    if seconds is None and text:
        seconds = _until(text, now_us)
    return None if seconds is None else min(seconds, MAX_RETRY_S)


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return number if number >= 0 else None


def _until(text: str, now_us: int) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.fromtimestamp(now_us / 1e6, UTC)).total_seconds(), 0.0)


def _plain(code: str) -> str:
    return code if code.replace("_", "").isalnum() and len(code) <= 64 else "unreadable code"
