"""The SDK's exceptions, and errors reported with a good status, as ModelErrors."""

import math
import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2
import openai

from streams.reasoning.model.error_body import ReportedError
from streams.reasoning.model.provider_quota import HeaderLookup, read_quota
from streams.reasoning.model.reasoning_model import (
    BadReply,
    ModelBlocked,
    ModelError,
    ModelQuotaExhausted,
    ModelRefused,
    ModelThrottled,
    ModelUnavailable,
    RequestRefused,
)

UNSAID_RETRY_S: Final = 20.0
MAX_RETRY_S: Final = 3600.0
_QUOTA_CODES: Final = frozenset({"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"})
_QUOTA_WORDS: Final = re.compile(r"\binsufficient[ _](?:balance|credits?|funds|quota)\b")
_CONTENT_CODES: Final = frozenset(
    {
        "content_filter",
        "content_policy_violation",
        "responsibleaipolicyviolation",
        "moderation_blocked",
        "context_length_exceeded",
        "string_above_max_length",
    }
)
_INVALID_OUTPUT: Final = frozenset({"json_validate_failed"})
_MODEL_CODES: Final = frozenset({"model_not_found", "invalid_model", "unknown_model", "deploymentnotfound"})
_MODEL_WORDS: Final = re.compile(
    r"\bmodel\b.{0,120}\b(?:not found|not exist|not available|not supported|not a valid|is unknown|is invalid)"
    r"|\b(?:invalid|unknown|unsupported|no such) model\b|\bnot a valid model\b"
)
_NOT_CONNECTED: Final = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)
_PASSING: Final = frozenset({408, 409, 425})
_TOO_LONG: Final = 413


def model_error(error: openai.APIError, now_us: int) -> ModelError:
    """The ModelError that `error` amounts to. Its message holds status and code, nothing that the provider quotes."""
    if isinstance(error, openai.APIConnectionError):
        in_time = not isinstance(error, openai.APITimeoutError)
        failed = ModelUnavailable(
            "the model's server cannot be reached" if in_time else "the model did not answer in time"
        )
        failed.unbilled = isinstance(error.__cause__, _NOT_CONNECTED)
        return failed
    if not isinstance(error, openai.APIStatusError):
        return ModelUnavailable(f"the call failed: {type(error).__name__}")
    return reported_failure(reported_by(error), error.response.headers.get, now_us)


def reported_by(error: openai.APIStatusError) -> ReportedError:
    """What the answer with that status says of the error."""
    return ReportedError.of(error.status_code, error.body)


def reported_failure(reported: ReportedError, header: HeaderLookup, now_us: int) -> ModelError:
    """The ModelError of an answer that reports an error."""
    status, said = reported.status, f"the model's server answered {reported.status} ({reported.name})"
    if status == 402 or reported.includes(_QUOTA_CODES) or (status < 500 and _QUOTA_WORDS.search(reported.words)):
        return ModelQuotaExhausted(f"{said}: the account's credit is spent; add credit or raise its limit")
    if status == 429:
        return ModelThrottled(said, _retry_after_s(header, now_us) or _until_reset_s(header) or UNSAID_RETRY_S)
    if status >= 500 or status in _PASSING or status < 300:
        return ModelUnavailable(said, _retry_after_s(header, now_us) or 0.0)
    if status < 400:
        return ModelBlocked(f"{said}, which points elsewhere: is OPENAI_BASE_URL right?")
    if status in (401, 403):
        return ModelBlocked(f"{said}: check OPENAI_API_KEY, its project and its permissions")
    if reported.includes(_INVALID_OUTPUT):
        return BadReply("the answer is not JSON of the agreed form")
    if status == _TOO_LONG or reported.includes(_CONTENT_CODES):
        return ModelRefused(said)
    return RequestRefused(said)


def is_not_served(reported: ReportedError) -> bool:
    """Whether the server says that it does not serve the model. A 404 always does."""
    if reported.status == 404 or reported.includes(_MODEL_CODES):
        return True
    return reported.status in (400, 422, 500) and _MODEL_WORDS.search(reported.words) is not None


def _retry_after_s(header: HeaderLookup, now_us: int) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (seconds or a date), within 0 and MAX_RETRY_S; None if unsaid."""
    milliseconds = _number(header("retry-after-ms"))
    if milliseconds is not None:
        return min(milliseconds / 1000, MAX_RETRY_S)
    text = header("retry-after")
    seconds = _number(text)
    if seconds is None and text:
        seconds = _until(text, now_us)
    return None if seconds is None else min(seconds, MAX_RETRY_S)


def _until_reset_s(header: HeaderLookup) -> float:
    """Seconds until what the `x-ratelimit-*` headers say is used up is there again; 0 where they say nothing."""
    quota = read_quota(header)
    return quota.wait_s(0) if quota is not None else 0.0


def _number(text: str | None) -> float | None:
    try:
        number = float(text) if text else math.nan
    except ValueError:
        return None
    return number if number >= 0 else None


def _until(text: str, now_us: int) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return max((moment - datetime.fromtimestamp(now_us / 1e6, UTC)).total_seconds(), 0.0)
    except (ValueError, TypeError, LookupError, OverflowError):
        return None
