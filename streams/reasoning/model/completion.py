"""Reading a chat completion: only what we use, whatever the server adds, leaves out or gets wrong."""

import re
from collections.abc import Mapping
from typing import Any, Final, TypeGuard

import msgspec

from streams.reasoning.model.reasoning_model import BadReply, Draft, ModelRefused, Reply
from streams.spending.usage import TokenUsage

_MAX_TOKENS: Final = 10_000_000
_REFUSALS: Final = frozenset({"content_filter", "refusal", "safety"})
_CUT_OFF: Final = frozenset({"length", "max_tokens"})
_MODEL: Final = re.compile(r"[\w.:/@+ -]{1,100}\Z", re.ASCII)
_FENCE: Final = "```"
_DRAFT: Final = msgspec.json.Decoder(Draft)


def read_object(body: bytes) -> Mapping[str, Any]:
    """The JSON object in the body of an answer. Raises BadReply if it holds none."""
    try:
        document = msgspec.json.decode(body)
    except (msgspec.MsgspecError, ValueError):
        raise BadReply("the server's answer is not a chat completion") from None
    except RecursionError:
        raise BadReply("the server's answer is nested too deeply") from None
    if not isinstance(document, dict):
        raise BadReply("the server's answer is not a chat completion")
    return document


def first_choice(completion: Mapping[str, Any]) -> Mapping[str, Any]:
    """The first choice; an empty one where there is none."""
    choices = completion.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    return first if isinstance(first, dict) else {}


def request_id(completion: Mapping[str, Any], named: str | None) -> str | None:
    """What the provider calls the request: `named` by a header, else the completion's id; None for neither."""
    return next((id for id in (named, completion.get("id")) if isinstance(id, str) and _MODEL.match(id)), None)


def read_reply(completion: Mapping[str, Any], asked: str) -> Reply:
    """The reply in a completion by `asked`, or by the model that it names itself.

    Raises BadReply or ModelRefused, with the usage if it is reported.
    """
    usage = _usage(completion.get("usage"))
    if not (choice := first_choice(completion)):
        raise BadReply("the answer is empty", usage=usage)
    message, ended = choice.get("message"), str(choice.get("finish_reason")).lower()
    if not isinstance(message, dict) or message.get("refusal") or ended in _REFUSALS:
        raise ModelRefused("the model declined to answer", usage=usage)
    if ended in _CUT_OFF:
        raise BadReply("the answer was cut off: write less", usage=usage)
    try:
        draft = _DRAFT.decode(_text(message.get("content")))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadReply("the answer is not JSON of the agreed form", usage=usage) from None
    model = completion.get("model")
    return Reply(draft, model if isinstance(model, str) and _MODEL.match(model) else asked, usage)


def _text(content: object) -> str:
    """The text of a message, which some servers send in parts and some models in a fence."""
    if isinstance(content, list):
        content = "".join(part["text"] for part in content if isinstance(part, dict) and _is_text(part.get("text")))
    text = content.strip() if isinstance(content, str) else ""
    if text.startswith(_FENCE) and text.endswith(_FENCE):
        text = text.strip("`").removeprefix("json")
    return text


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _usage(reported: object) -> TokenUsage | None:
    """The reported numbers of tokens; None where they are absent or impossible.

    Some servers (xAI, Gemini) leave reasoning out of `completion_tokens`, but not out of `total_tokens`, by which they
    bill. A part that is larger than its whole is none.
    """
    if not isinstance(reported, dict):
        return None
    asked, answered, total = (reported.get(f"{name}_tokens") for name in ("prompt", "completion", "total"))
    if not (_is_count(asked) and _is_count(answered)):
        return None
    if _is_count(total):
        answered = max(answered, total - asked)
    cached = _part(reported, "prompt_tokens_details", "cached_tokens", asked)
    return TokenUsage(
        asked,
        answered,
        cached_tokens=cached,
        written_tokens=_part(reported, "prompt_tokens_details", "cache_write_tokens", asked - cached),
        reasoning_tokens=_part(reported, "completion_tokens_details", "reasoning_tokens", answered),
    )


def _part(reported: Mapping[str, Any], details: str, name: str, whole: int) -> int:
    """A part of `whole` that the details name; 0 where they do not, or say something impossible."""
    parts = reported.get(details)
    part = parts.get(name) if isinstance(parts, dict) else None
    return part if _is_count(part) and part <= whole else 0


def _is_count(value: object) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= _MAX_TOKENS
