"""Text as it may be shown to people: without secrets, without what acts on a terminal, and not too long of it.

What a record, a server or a setting says is somebody else's text: control and format characters in it (escape
sequences, line ends, marks of writing direction) are escaped.
"""

from typing import Final

from agents.display.redaction import redact

LINE_CHARS: Final = 2_000
_QUOTED_CHARS: Final = 60


def printable(text: str) -> str:
    """`text` with everything escaped that is not a plain character: control and format characters, surrogates."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "surrogatepass").decode() for c in text)


def plain(text: str, limit: int = LINE_CHARS) -> str:
    """One line of at most about `limit` characters; the text says how much is left out."""
    safe = printable(redact(text))
    return safe if len(safe) <= limit else f"{safe[:limit]}… ({len(safe) - limit} more characters)"


def plain_lines(text: str) -> str:
    """Several lines, such as a traceback: each as above."""
    return "\n".join(plain(line) for line in redact(text).splitlines())


def quoted(value: object) -> str:
    """`value` as an error quotes it: not at length."""
    return f'"{plain(str(value), _QUOTED_CHARS)}"'
