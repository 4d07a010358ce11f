"""Which optional parameters go with a request: those that the server has not refused by name.

Asked for first are OpenAI's strict schemas, that the reply is not stored, and that it ends after so many tokens.
Servers that speak the protocol refuse the one or the other, and say which; what is refused is left out from then on,
the form of the reply and the name of the cap step by step.
"""

import re
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import msgspec

from streams.reasoning.model.error_body import ReportedError
from streams.reasoning.request.instructions import REPLY_SCHEMA

ReplyFormat = Literal["json_schema", "json_object", "text"]
ReplyCap = Literal["max_completion_tokens", "max_tokens", "none"]
_NEXT: Final[dict[ReplyFormat, ReplyFormat]] = {"json_schema": "json_object", "json_object": "text", "text": "text"}
_FORMATS: Final[dict[ReplyFormat, dict[str, Any]]] = {
    "json_schema": {
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "explanation", "strict": True, "schema": REPLY_SCHEMA},
        }
    },
    "json_object": {"response_format": {"type": "json_object"}},
    "text": {},
}
_SCHEMA_IN_WORDS: Final = f"\nAnswer with JSON alone, of this schema: {msgspec.json.encode(REPLY_SCHEMA).decode()}"
_STORE: Final = re.compile(r"(?<![a-z0-9_])store(?![a-z0-9_])")
_FORMAT: Final = re.compile(r"response[ _]?format|json[ _]schema|json_object|structured output")
_CAPS: Final[dict[ReplyCap, re.Pattern[str]]] = {
    "max_completion_tokens": re.compile(r"(?<![a-z0-9_])max_completion_tokens(?![a-z0-9_])"),
    "max_tokens": re.compile(r"(?<![a-z0-9_])max_tokens(?![a-z0-9_])"),
}
_TOO_MANY: Final = re.compile(r"too (?:large|high|big|many)|at most|maximum|exceed|less than|<=")
_NEXT_CAP: Final[dict[ReplyCap, ReplyCap]] = {"max_completion_tokens": "max_tokens", "max_tokens": "none"}
_REFUSING: Final = (400, 422)


@dataclass(frozen=True, slots=True)
class RequestForm:
    """`store` False is sent only where `says_store`; a request that cannot ask for the schema says it in words.

    `cap` is the parameter that ends a reply after so many tokens.
    """

    says_store: bool = True
    reply_format: ReplyFormat = "json_schema"
    cap: ReplyCap = "max_completion_tokens"

    def parameters(self, reply_tokens: int) -> dict[str, Any]:
        """The optional parameters of a completion of `reply_tokens` at most."""
        capped: dict[str, Any] = {} if self.cap == "none" else {self.cap: reply_tokens}
        return {**({"store": False} if self.says_store else {}), **capped, **_FORMATS[self.reply_format]}

    def messages(self, rendered: list[dict[str, str]]) -> list[dict[str, str]]:
        """The messages, with what the parameters do not say."""
        if self.reply_format == "json_schema":
            return rendered
        first, *others = rendered
        return [{**first, "content": first["content"] + _SCHEMA_IN_WORDS}, *others]

    def refused_by(self, reported: ReportedError, *, by_openai: bool) -> tuple[str, "RequestForm"] | None:
        """The parameter that `reported` names as refused, and the form without it; None where it names none that is
        sent.

        `by_openai`: OpenAI itself stores replies unless a request says otherwise, and knows the cap: these are never
        left out. Nor is a cap whose value is refused, not its name.
        """
        if reported.status not in _REFUSING:
            return None
        if self.says_store and not by_openai and _STORE.search(reported.words):
            return "store", replace(self, says_store=False)
        if self.reply_format != "text" and _FORMAT.search(reported.words):
            return f"response_format {self.reply_format}", replace(self, reply_format=_NEXT[self.reply_format])
        return None if by_openai else self._without_cap(reported.words)

    def _without_cap(self, words: str) -> tuple[str, "RequestForm"] | None:
        if self.cap == "none" or not _CAPS[self.cap].search(words) or _TOO_MANY.search(words):
            return None
        return self.cap, replace(self, cap=_NEXT_CAP[self.cap])
