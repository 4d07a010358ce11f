"""The forms that strings of a statement have: IRI, UUID, language tag, mailbox, media type (xAPI 1.0.3, Data 2 and 4).

Checks are as strict as their RFC's grammar; that an IRI resolves or a language exists is nobody's to know.
"""

import re
from collections.abc import Callable
from typing import Final

_MAX_KNOWN: Final = 4096
_MAX_KNOWN_CHARS: Final = 256

_IRI: Final = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"  # a scheme makes it absolute
    r"(?:[^\x00-\x20\x7f-\x9f<>\"{}|\\^`%\s]|%[0-9A-Fa-f]{2})+"
)
_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}")
_MAILBOX: Final = re.compile(r"mailto:[^\s@<>,;:?\"]+@[^\s@<>,;:?\"]+")
_SHA1: Final = re.compile(r"[0-9A-Fa-f]{40}")
_SHA2: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){28,64}")
_MEDIA_TYPE: Final = re.compile(
    r"[A-Za-z0-9!#$&^_.+*'`|~-]+/[A-Za-z0-9!#$&^_.+*'`|~-]+(?:\s*;\s*[^\s=;]+=(?:\"[^\"]*\"|[^\s;\"]+))*\s*"
)
_VERSION: Final = re.compile(r"(1|2)\.0(?:\.[0-9]+)?")
_LANGUAGE: Final = re.compile(
    r"""(?:
    (?: [a-z]{2,3} (?:-[a-z]{3}){0,3} | [a-z]{4,8} )           # language, extended language
    (?: -[a-z]{4} )?                                           # script
    (?: -(?:[a-z]{2}|[0-9]{3}) )?                              # region
    (?: -(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}) )*                 # variants
    (?P<extensions> (?: -[0-9a-wy-z] (?:-[a-z0-9]{2,8})+ )* )
    (?: -x(?:-[a-z0-9]{1,8})+ )?
    | x(?:-[a-z0-9]{1,8})+
    | en-GB-oed | sgn-(?:BE-FR|BE-NL|CH-DE)
    | i-(?:ami|bnn|default|enochian|hak|klingon|lux|mingo|navajo|pwn|tao|tay|tsu)
    | art-lojban | cel-gaulish | no-(?:bok|nyn) | zh-(?:guoyu|hakka|min|min-nan|xiang)
    )""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_SINGLETON: Final = re.compile(r"-([0-9a-wy-z])(?=-)", re.IGNORECASE)


class Form(dict[str, bool]):
    """A form that strings may have, asked for by `form[text]`.

    It remembers those that had it: vocabularies are small and said often. What it remembers is bounded.
    """

    def __init__(self, has_form: Callable[[str], object]) -> None:
        super().__init__()
        self._has_form = has_form

    def __missing__(self, text: str) -> bool:
        if not self._has_form(text):
            return False
        if len(text) <= _MAX_KNOWN_CHARS:
            if len(self) >= _MAX_KNOWN:
                self.clear()
            self[text] = True
        return True


def _is_language_tag(text: str) -> bool:
    """RFC 5646: well-formed, and no extension twice."""
    match = _LANGUAGE.fullmatch(text)
    if match is None:
        return False
    singletons = [singleton.lower() for singleton in _SINGLETON.findall(match["extensions"] or "")]
    return len(singletons) == len(set(singletons))


IRIS: Final = Form(_IRI.fullmatch)
LANGUAGES: Final = Form(_is_language_tag)
VERSION_FORM: Final = Form(_VERSION.fullmatch)


def is_uuid(text: str) -> bool:
    """Whether `text` is a UUID in its standard string form; which variant is not asked (the standard's own are odd)."""
    return _UUID.fullmatch(text) is not None


def is_mailbox(text: str) -> bool:
    """Whether `text` is `mailto:` and an address."""
    return _MAILBOX.fullmatch(text) is not None


def is_sha1(text: str) -> bool:
    """Whether `text` is a SHA-1 in hexadecimal."""
    return _SHA1.fullmatch(text) is not None


def is_sha2(text: str) -> bool:
    """Whether `text` is a hash of the SHA-2 family in hexadecimal."""
    return _SHA2.fullmatch(text) is not None


def is_media_type(text: str) -> bool:
    """Whether `text` is an internet media type, perhaps with parameters."""
    return _MEDIA_TYPE.fullmatch(text) is not None
