"""What is known of a request before it is sent: which prompt it is, and the most tokens that it can be."""

import hashlib
from typing import Final

import msgspec

from streams.reasoning.request.instructions import INSTRUCTIONS, REPLY_SCHEMA
from streams.reasoning.request.prompt import Request, render

_SCHEMA: Final = msgspec.json.encode(REPLY_SCHEMA)
_TOKENS_A_MESSAGE: Final = 16
PROMPT_VERSION: Final = hashlib.sha256(INSTRUCTIONS.encode() + b"\0" + _SCHEMA).hexdigest()[:12]
"""Names the standing instructions and the form of the answer: another whenever either changes."""


def most_input_tokens(request: Request) -> int:
    """A bound on the tokens of `request` that holds for every model: the bytes that say something.

    Tokenizers that work on bytes make at most one token of each, and those with a fallback to bytes do; a message adds
    a few of its own. The schema counts twice, since a server may be told it in words too.
    """
    messages = render(request)
    said_bytes = sum(len(message["content"].encode()) for message in messages)
    return said_bytes + 2 * len(_SCHEMA) + _TOKENS_A_MESSAGE * (len(messages) + 1)
