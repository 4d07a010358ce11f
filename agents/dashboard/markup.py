"""Pieces of HTML: cards, tables, statuses. Whatever is told to them is escaped, but for what is called `html`."""

from collections.abc import Iterable, Sequence
from html import escape
from typing import Final

HEAD: Final = (
    '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
    '<link rel="stylesheet" href="/assets/dashboard.css"><link rel="icon" href="/assets/icon.svg" type="image/svg+xml">'
)
"""What each page's head has, beside its title."""
_SIGNS: Final = {"ok": "✓", "degraded": "!", "failing": "✕", "down": "✕"}


def card(name: str, title: str, html: str, *, about: str = "", kind: str = "") -> str:
    """A part of the page under a heading; `name` is its id, by which it is replaced while the page is open."""
    said = f'<p class="about">{escape(about)}</p>' if about else ""
    return (
        f'<section class="card {kind}" aria-labelledby="{name}-title"><h2 id="{name}-title">{escape(title)}</h2>'
        f'{said}<div id="{name}" data-part>{html}</div></section>'
    )


def pill(text: str, kind: str) -> str:
    """A short status, by colour and by word."""
    sign = _SIGNS.get(kind, "")
    before = f'<span aria-hidden="true">{sign}</span> ' if sign else ""
    return f'<span class="pill {escape(kind)}">{before}{escape(text)}</span>'


def table(
    described: str,
    columns: Sequence[str],
    rows_html: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int] = (),
    drawn: Iterable[int] = (),
) -> str:
    """A table whose first column names the row; `numbers` are columns that are set flush right, `drawn` those of bars,
    which narrow pages leave out. It scrolls sideways where it is too wide, by keyboard too.
    """
    kinds = dict.fromkeys(numbers, ' class="number"') | dict.fromkeys(drawn, ' class="drawn"')
    heads = "".join(f'<th scope="col"{kinds.get(at, "")}>{escape(name)}</th>' for at, name in enumerate(columns))
    lines = "".join(
        f'<tr><th scope="row">{first}</th>'
        + "".join(f"<td{kinds.get(at, '')}>{cell}</td>" for at, cell in enumerate(others, start=1))
        + "</tr>"
        for first, *others in rows_html
    )
    label = escape(described)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{label}, as a table"><table>'
        f'<caption class="unseen">{label}</caption>'
        f"<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def facts(pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, one pair a row."""
    return "".join(
        ('<dl class="facts">', *(f"<dt>{escape(name)}</dt><dd>{html}</dd>" for name, html in pairs), "</dl>")
    )


def nothing(text: str) -> str:
    """What is said where there is nothing to show."""
    return f'<p class="empty">{escape(text)}</p>'
