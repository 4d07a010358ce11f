"""Quotations are somebody else's words: what is between quotation marks, and lines that begin with `>`.

A mark without its partner quotes nothing: it may be an apostrophe, or an inch. Linear in the text's length.
"""

import re
from typing import Final

_CUT: Final = " \n "
_REPLIED_TO: Final = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_STRAIGHT: Final = re.compile(r"""(?<![\w"])"(?=[^\s"])[^"]*"(?!\w)""")
_SINGLE: Final = re.compile(r"(?<![\w'‘’])['‘](?=\w)(?:[^'‘’\n]|(?<=\w)['’](?=\w))*+['’](?!\w)")
_CURLY: Final = re.compile("[“”«»]")
_OPENING: Final = "“«"


def without_quotations(text: str) -> str:
    """`text` with each quotation, of whatever depth, cut out as a line of its own."""
    if ">" in text:
        text = _REPLIED_TO.sub(_CUT, text)
    if "”" in text or "»" in text:
        text = _without_curly(text)
    if '"' in text:
        text = _STRAIGHT.sub(_CUT, text)
    if "'" in text or "’" in text:
        text = _SINGLE.sub(_CUT, text)
    return text


def _without_curly(text: str) -> str:
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    for sign in _CURLY.finditer(text):
        if sign[0] in _OPENING:
            opened.append(sign.start())
        elif opened:
            start = opened.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, sign.end()))
    own, done = [], 0
    for start, end in spans:
        own += [text[done:start], _CUT]
        done = end
    return "".join([*own, text[done:]])
