"""Secrets in settings: what is wrong with one, in words that never quote it."""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Final

MIN_TOKEN_CHARS: Final = 16
_MIN_DISTINCT: Final = 6
_MAX_RUN_SHARE: Final = 0.75
_MAKE_ONE: Final = "make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(24))'"


def key_problem(key: str) -> str | None:
    """Why no request could carry this key: a header takes printable ASCII."""
    for position, character in enumerate(key.strip(), start=1):
        if not (character.isascii() and character.isprintable()) or character == " ":
            return (
                f"character {position} of {len(key.strip())} is U+{ord(character):04X}: a key has letters, digits and "
                "signs of ASCII only. Copy it again from where it was made"
            )
    return None


def token_problem(token: str) -> str | None:
    """Why this token could be guessed; an absent token is not checked here."""
    token = token.strip()
    if not token:
        return None
    if len(token) < MIN_TOKEN_CHARS:
        return f"has {len(token)} characters, and needs {MIN_TOKEN_CHARS} or more: {_MAKE_ONE}"
    if len(set(token)) < _MIN_DISTINCT or _repeats(token) or _counts_on(token):
        return f"repeats itself, and could be guessed: {_MAKE_ONE}"
    return None


def _repeats(token: str) -> bool:
    """Whether it is one part again and again, the last of them perhaps cut."""
    return any(token == (token[:size] * len(token))[: len(token)] for size in range(1, len(token) // 2 + 1))


def _counts_on(token: str) -> bool:
    """Whether most characters are the one before or the next in order, as in 1234567890123456."""
    steps = [ord(after) - ord(before) for before, after in pairwise(token)]
    return max(steps.count(step) for step in (-1, 0, 1)) > _MAX_RUN_SHARE * len(steps)


CREDENTIAL_PROBLEMS: Final[Mapping[str, Callable[[str], str | None]]] = {
    "openai_api_key": key_problem,
    "web_token": token_problem,
    "reader_token": token_problem,
    "inference_token": token_problem,
    "proxy_secret": token_problem,
}
"""By the setting that holds the secret."""
