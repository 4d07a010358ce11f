"""Texts of a document as HTML: backticks are code, an empty line ends a paragraph."""

import json
import re
from html import escape
from typing import Any, Final

_CODE: Final = re.compile(r"`([^`]+)`")
_UNFIT: Final = re.compile(r"[^A-Za-z0-9_-]+")


def said(text: str) -> str:
    """Within a line."""
    return _CODE.sub(r"<code>\1</code>", escape(" ".join(text.split())))


def paragraphs(text: str | None) -> str:
    """Of a longer text; nothing where there is none."""
    return "".join(f"<p>{said(part)}</p>" for part in re.split(r"\n\s*\n", text or "") if part.strip())


def anchor(kind: str, name: str) -> str:
    """An id that is safe in HTML and in an address."""
    return f"{kind}-{_UNFIT.sub('-', name).strip('-')}"


def example(value: Any) -> str:
    """JSON, indented."""
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def reference_name(reference: str) -> str:
    """The last part of a `$ref`."""
    return reference.rpartition("/")[2]
