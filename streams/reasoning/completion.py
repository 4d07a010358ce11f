"""Reading a chat completion: only what we use, typed, whatever the server adds or leaves out."""

from typing import Final

import msgspec
from msgspec import Struct

from streams.reasoning.model import BadReply, Draft, ModelRefused, Reply, Usage


class _Message(Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Tokens(Struct, frozen=True):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Completion(Struct, frozen=True):
    choices: list[_Choice]
    model: str = ""
    usage: _Tokens | None = None


_COMPLETION: Final = msgspec.json.Decoder(_Completion)
_DRAFT: Final = msgspec.json.Decoder(Draft)


def read_reply(body: bytes, asked: str) -> Reply:
    """The reply in the body of a completion by `asked`, or by the model that it names itself.

    Raises BadReply or ModelRefused, with the usage if it is told.
    """
    try:
        completion = _COMPLETION.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise BadReply("the server's answer is not a chat completion") from None
    used = completion.usage
    usage = Usage(used.prompt_tokens, used.completion_tokens) if used else None
    if not completion.choices:
        raise BadReply("the answer is empty", usage=usage)
    choice = completion.choices[0]
    if choice.message.refusal or choice.finish_reason == "content_filter":
        raise ModelRefused("the model declined to answer", usage=usage)
    if choice.finish_reason == "length":
        raise BadReply("the answer was cut off: write less", usage=usage)
    try:
        draft = _DRAFT.decode(choice.message.content or "")
    except (msgspec.MsgspecError, UnicodeEncodeError):
        raise BadReply("the answer is not JSON of the agreed form", usage=usage) from None
    return Reply(draft, completion.model or asked, usage)
