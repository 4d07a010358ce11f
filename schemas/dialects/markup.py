"""What somebody wrote, without the markup that a platform's editor put around it. Linear in the text's length.

    "<p>In <strong>other</strong> words: I&#39;m sorry to&nbsp;hear that.</p>"
        ──► "In other words: I'm sorry to hear that."

Plain text stays as it is ("a < b, and b > c"; "use <p> here"; "R&D"), but for HTML's entities with a semicolon. What
HTML quotes (`blockquote`, `q`) is put in quotation marks.
"""

import re
from html.entities import html5
from typing import Final

_INLINE: Final = """a abbr acronym b bdi bdo big cite code data del dfn em font i ins kbd label mark nobr q rp rt ruby s
    samp small span strike strong sub sup time tt u var wbr"""  # these break no word
_BLOCKS: Final = """address article aside audio blockquote body br button canvas caption center col colgroup dd details
    dialog div dl dt embed fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html iframe
    img input legend li link main map math menu meta nav noscript object ol optgroup option output p param picture pre
    progress script section select source style summary svg table tbody td template textarea tfoot th thead title tr
    track ul video"""
_UNREAD: Final = "script style template title head svg math"
_QUOTING: Final = frozenset(("blockquote", "q"))
_BARE: Final = (
    "allowfullscreen autoplay checked compact controls disabled hidden loop muted nowrap open reversed selected"
)

_ATTRIBUTE: Final = rf"""\s+(?:[\w:.-]+\s*=\s*(?:"[^"<]*+"|'[^'<]*+'|[^\s"'<>=`]++)|(?:{"|".join(_BARE.split())})\b)"""
_TAG: Final = re.compile(
    rf"<(?:(?P<end>/?)(?P<name>[a-z][a-z0-9:]*+)(?P<with>(?:{_ATTRIBUTE})*+)\s*+/?>|(?P<comment>!--)|!doctype[^<>]*+>)",
    re.IGNORECASE,
)
_ENTITY: Final = re.compile(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{1,31}));")
_JOINED: Final = frozenset(_INLINE.split())
_KNOWN: Final = frozenset(f"{_INLINE} {_BLOCKS}".split())
_DROPPED: Final = {name: re.compile(rf"</{name}\s*+>", re.IGNORECASE) for name in _UNREAD.split()}
_SPACED_SIGN: Final = re.compile("(?<=\u201c) | (?=\u201d)")  # a sign is no word
_SURROGATES: Final = range(0xD800, 0xE000)


def without_markup(text: str) -> str:
    """`text` without tags, scripts and comments, its entities as characters; as it is where it is no HTML."""
    if "<" in text and _is_html(text):
        plain = " ".join(_ENTITY.sub(_character, _without_tags(text)).split())
        return _SPACED_SIGN.sub("", plain)
    return _ENTITY.sub(_character, text) if "&" in text else text


def _is_html(text: str) -> bool:
    """Whether it begins with a tag, or has one that nobody only mentions: it ends, breaks, or has attributes."""
    start = len(text) - len(text.lstrip())
    for tag in _TAG.finditer(text):
        name = _name(tag)
        if name is not None and (
            tag.start() == start or tag["end"] or tag["with"] or name in ("", "br", "hr") or ":" in name
        ):
            return True
    return False


def _without_tags(text: str) -> str:
    texts: list[str] = []
    position = done = 0
    while tag := _TAG.search(text, position):
        name = _name(tag)
        position = tag.end()
        if name is None:
            continue
        texts.append(text[done : tag.start()])
        if tag["comment"]:
            end = text.find("-->", position)
            position = len(text) if end < 0 else end + len("-->")
        elif name in _DROPPED and not (tag["end"] or tag[0].endswith("/>")):
            closing = _DROPPED[name].search(text, position)
            position = closing.end() if closing else len(text)
        space = " " if name and name not in _JOINED else ""
        if name in _QUOTING:
            texts.append(f"\u201d{space}" if tag["end"] else f"{space}\u201c")
        else:
            texts.append(space)
        done = position
    texts.append(text[done:])
    return "".join(texts)


def _name(tag: re.Match[str]) -> str | None:
    """Of an element that HTML or an office program knows; empty for comments and the like; None for no tag."""
    name = (tag["name"] or "").lower()
    return name if not name or name in _KNOWN or ":" in name else None


def _character(entity: re.Match[str]) -> str:
    decimal, hexadecimal, name = entity.groups()
    if name:
        return html5.get(f"{name};", entity[0])
    code = int(decimal) if decimal else int(hexadecimal, 16)
    return chr(code) if 0 < code <= 0x10FFFF and code not in _SURROGATES else "\ufffd"
