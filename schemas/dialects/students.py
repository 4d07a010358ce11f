"""One rule for a student's key, whatever names the student.

    account (home page, name)  ──► home page/name   ─┐
    Caliper's id, OpenID       ──► as it is          ├─► longest prefix of `rules` that fits, replaced ──► key
    mbox, its SHA-1            ──► mbox_sha1sum:hex ─┘

An mbox and its SHA-1 name one person, and so does an account whose home page and name make up another standard's id.
Rules keep tenants apart ("https://lms.a.example/users/" → "a:"), or make keys what native events call the student.
"""

from collections.abc import Sequence
from hashlib import sha1
from typing import Final

from msgspec import Struct

from schemas.dialects.act import bounded_identifier

_IN_A_NAME: Final = str.maketrans({"/": "%2F", "%": "%25"})


class StudentRule(Struct, frozen=True, forbid_unknown_fields=True):
    """Names that start with `prefix` become `key` and what is left of the name."""

    prefix: str
    key: str = ""


class StudentKeys:
    """Makes keys of at most 256 characters; longer ones become a hash."""

    def __init__(self, rules: Sequence[StudentRule] = ()) -> None:
        self._rules = sorted(rules, key=lambda rule: -len(rule.prefix))

    def of(self, name: str) -> str:
        """The key of whoever is called `name`: an IRI, or one of the forms above. Never empty for a name."""
        for rule in self._rules:
            if name.startswith(rule.prefix) and len(name) > len(rule.prefix):
                return bounded_identifier(rule.key + name[len(rule.prefix) :])
        return bounded_identifier(name)

    def of_account(self, home_page: str, name: str) -> str:
        """The key of an account. A name's slashes are escaped, so no two accounts are called the same."""
        escaped = name.translate(_IN_A_NAME) if "/" in name or "%" in name else name
        return self.of(f"{home_page.rstrip('/')}/{escaped}")

    def of_mbox(self, mbox: str) -> str:
        """The key of a mailbox, `mailto:` and all: no address ends up in a key."""
        return self.of_mbox_sha1sum(sha1(mbox.encode(), usedforsecurity=False).hexdigest())

    def of_mbox_sha1sum(self, digest: str) -> str:
        """The key of a mailbox of which only the SHA-1 is known, in hexadecimal."""
        return self.of(f"mbox_sha1sum:{digest.lower()}")
