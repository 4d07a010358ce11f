"""What a reasoning model is, what it answers, and how it fails.

ModelError
├── ModelThrottled        429: all hold until the server's time
├── ModelUnavailable      5xx, time-out, no connection: back off, try again
│   ├── ModelFailed           a fault that nobody foresaw, ours or of the reply
│   ├── ReplyTooLarge         more than is read of any reply
│   └── RequestAdjusted       a parameter is refused: ask again without it
├── ModelBlocked          a person must act (a revoked key): stop asking, alert
│   └── ModelQuotaExhausted   … and pay
├── BadReply              no answer of the agreed form: try once more
└── ModelRefused          it will not answer this request: don't ask again
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, Protocol

from msgspec import Struct

from schemas.errors import Retryable
from streams.reasoning.model.outcome import CallOutcome
from streams.reasoning.model.provider_quota import ProviderQuota
from streams.reasoning.request.prompt import Direction, Request
from streams.spending.usage import TokenUsage

ModelKind = Literal["model", "scripted"]


class DraftClaim(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A sentence with slots, the aliases of the facts that it rests on, and which way they move the score, if any."""

    text: str
    evidence: list[str]
    direction: Direction


class DraftSkill(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The claims of one skill."""

    skill: str
    claims: list[DraftClaim]


class Draft(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model's answer, as it came: not checked yet."""

    skills: list[DraftSkill]


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the agreed form, by `model`. `usage` is None where the provider did not say.

    `request_id` is the provider's own name of the request; `quota` what it said is left of its limits.
    """

    draft: Draft
    model: str
    usage: TokenUsage | None
    request_id: str | None = None
    quota: ProviderQuota | None = None


class ReasoningModel(Protocol):
    """Something that explains. One call of `explain` asks for one completion at most. Safe to share among tasks."""

    @property
    def generator(self) -> ModelKind: ...

    @property
    def name(self) -> str:
        """The model that the next request goes to."""
        ...

    async def prepare(self) -> None:
        """Look, before the first request, whether it will work; costs no completion. Raises ModelError."""
        ...

    async def explain(self, request: Request) -> Reply:
        """Explain. Raises ModelError; nothing is sent again by itself."""
        ...

    async def aclose(self) -> None:
        """Let go of connections. Idempotent."""
        ...


class ModelError(Retryable):
    """A call that gave no explanation. `usage` is what it cost all the same, if known; `unbilled` that it cost nothing:
    it was not sent, or answered with an error's status. `quota` is what the provider said is left of its limits.

    The message never quotes the request or the reply.
    """

    outcome: ClassVar[CallOutcome] = "unavailable"

    def __init__(self, message: str, *, usage: TokenUsage | None = None) -> None:
        super().__init__(message)
        self.usage = usage
        self.unbilled = False
        self.quota: ProviderQuota | None = None


class ModelThrottled(ModelError):
    """The provider asks to wait `retry_after_s`."""

    outcome = "throttled"

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelUnavailable(ModelError):
    """The provider did not answer. `retry_after_s` is what it asked for, 0 where it did not."""

    def __init__(self, message: str, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class ModelFailed(ModelUnavailable):
    """Asking or reading failed in a way that nobody foresaw."""

    outcome = "failed"


class ReplyTooLarge(ModelUnavailable):
    """The reply goes on beyond what is read of any."""

    outcome = "too_large"


class RequestAdjusted(ModelUnavailable):
    """The server refuses a parameter of ours; the next request goes without it, and may go at once."""

    outcome = "refused"


class ModelBlocked(ModelError):
    """Asking again cannot help until a person has acted; the message says what to do."""

    outcome = "blocked"


class ModelQuotaExhausted(ModelBlocked):
    """The account's credit is spent."""


class BadReply(ModelError):
    """Not JSON, not of the agreed form, or cut off; the message can be sent to the model."""

    outcome = "bad_reply"


class ModelRefused(ModelError):
    """The model or its provider declines this very request."""

    outcome = "refused"


class RequestRefused(ModelRefused):
    """The server finds fault with the request itself; after some in a row it will find it with every one."""
