"""Keeps secrets out of all that is shown: logs, tracebacks, errors of the commands, the doctor, health.

A secret is known in two ways: by its value, where the settings hold it, in every spelling that a library may quote it
in; and by its place, in whatever text: before the @ of an address, behind `password=`, `Bearer` or `sk-`. What an
address holds before its last @ is taken for a secret up to the next blank, so that a password may hold any character.
"""

import base64
import json
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, quote_plus, unquote

HIDDEN: Final = "***"
MIN_SECRET_CHARS: Final = 6
"""Shorter values are hidden by their place alone: they would blot out words that mean nothing."""

MAX_LEARNT: Final = 50
"""So that the pattern stays small in a program that runs for months."""

_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+.\-]{0,30}://"
_NAME: Final = (
    r"[\w.\-]*(?:password|passwd|passphrase|pwd|secret|token|credentials?|signature"
    r"|api[_\-]?key|access[_\-]?key|private[_\-]?key|account[_\-]?key)"
)
_VALUE: Final = r"(?:'[^'\n]*'|\"[^\"\n]*\"|[^&;\s'\"#,)]+)"
_ESCAPE: Final = re.compile("%[0-9A-F]{2}")
_PATTERNS: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(rf"({_SCHEME})(?:(?!{_SCHEME})\S)*@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(?<![\w@/.%+\-:*])[\w.%+\-]{0,80}:(?!//)[^\s:]\S*@(?=[\w\[])"), f"{HIDDEN}@"),
    (re.compile(rf"(?i)((?:[?&;]|\b)(?:{_NAME}|(?<=[?&;])(?:key|auth|sig|pass|code))=){_VALUE}"), rf"\1{HIDDEN}"),
    (re.compile(rf"(?i)((['\"]){_NAME}\2\s*:\s*b?)(?:'[^'\n]*'|\"[^\"\n]*\")"), rf"\1'{HIDDEN}'"),
    (re.compile(r"(?i)\b(authorization\W{1,6}(?:bearer|basic)\s+)[^\s'\"]+"), rf"\1{HIDDEN}"),
    (re.compile(r"(?i)\b((?:x-)?api-key\s*:\s*)[^\s'\",;]+"), rf"\1{HIDDEN}"),
    (re.compile(r"\b(Bearer\s+)[\w\-.~+/=]{8,}"), rf"\1{HIDDEN}"),
    (re.compile(r"\bsk-[\w\-*.]{6,}"), f"sk-{HIDDEN}"),
)


class Redaction:
    """Hides secrets in texts. `know` replaces what was known before: a process has one set of settings."""

    def __init__(self) -> None:
        self._secrets: frozenset[str] = frozenset()
        self._learnt: tuple[str, ...] = ()
        self._known: re.Pattern[str] | None = None

    def know(self, secrets: Iterable[str]) -> None:
        """Hide these values from now on, wherever they occur; too short ones are left to their places."""
        self._secrets, self._learnt = frozenset(secrets), ()
        self._hide()

    def know_too(self, secrets: Iterable[str]) -> None:
        """Hide these values beside those that are known."""
        self._secrets = self._secrets.union(secrets)
        self._hide()

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these too: what is rotated stays hidden as well, until `MAX_LEARNT` others were learnt since."""
        found, former = tuple(secrets), self._learnt
        self._learnt = (*(secret for secret in former if secret not in found), *found)[-MAX_LEARNT:]
        if set(self._learnt) != set(former):
            self._hide()

    def _hide(self) -> None:
        spellings = {spelling for secret in self._secrets.union(self._learnt) for spelling in _spellings(secret)}
        longest_first = sorted((s for s in spellings if len(s) >= MIN_SECRET_CHARS), key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """`text` without secrets. Linear in its length."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text


redact: Final = Redaction()
"""The one of this process."""


def credentials_in(address: str) -> Iterator[str]:
    """What an address, or a list of them, holds that lets somebody in. The address may be broken in any way."""
    for rest in {address, address.partition("://")[2]}:
        userinfo, at, _host = rest.rpartition("@")
        if at:
            yield userinfo
            for part in {userinfo, *re.split(rf"(?:@[^@]*)?,\s*(?:{_SCHEME})?", userinfo)}:
                yield part.partition(":")[2] or part
    for name, _, value in (pair.partition("=") for pair in re.split(r"[?&;#]", address)[1:]):
        if re.fullmatch(rf"(?i){_NAME}|key|auth|sig|pass|code", name):
            yield value


def _spellings(secret: str) -> Iterator[str]:
    """As it is, as URLs, JSON and Python write it, and as an authorization header carries it."""
    for text in {secret, unquote(secret)}:
        for spelling in (text, quote(text), quote(text, safe=""), quote_plus(text)):
            yield from (spelling, _ESCAPE.sub(lambda escape: escape[0].lower(), spelling))
        yield json.dumps(text)[1:-1].replace("/", "\\/")  # as PHP's servers write it
        yield from (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1], repr(text)[1:-1])
        yield base64.b64encode(text.encode(errors="surrogateescape")).decode()
