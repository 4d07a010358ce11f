"""Bars lying side by side or one upon the other, as SVG: shares, and how much of a limit is used."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Final

from agents.dashboard.numbers import percent

_WIDTH: Final = 300
_LOW: Final = 10
_LEAST_WRITTEN: Final = 0.16
_NEARLY: Final = 0.8


def bar(share: float, kind: str) -> str:
    """One bar, `share` of the full width; for who sees it: the number is beside it."""
    width = round(min(max(share, 0.0), 1.0) * _WIDTH, 1)
    return (
        f'<svg class="bar" viewBox="0 0 {_WIDTH} {_LOW}" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect class="track" width="{_WIDTH}" height="{_LOW}"/>'
        f'<rect class="{escape(kind)}" width="{width}" height="{_LOW}"/></svg>'
    )


def spent_bar(used: float) -> str:
    """How much of a limit is used, in another colour once that is nearly all."""
    return bar(used, "second" if used >= _NEARLY else "first")


def stacked(described: str, shares: Mapping[str, float], order: Sequence[str]) -> str:
    """Shares of a whole, in `order`, by classes of these names, each with its percentage where that fits. In percent of
    the width that there is: text keeps its size.
    """
    drawn, begin = [], 0.0
    for name in order:
        share = shares.get(name, 0.0)
        if not share:
            continue
        kind, x, width = escape(name), f"{begin * 100:.2f}%", f"{share * 100:.2f}%"
        drawn.append(
            f'<rect class="{kind}" x="{x}" width="{width}" height="100%"><title>{kind} {percent(share)}</title></rect>'
        )
        if share >= _LEAST_WRITTEN:
            middle = f"{(begin + share / 2) * 100:.2f}%"
            drawn.append(f'<text class="on-{kind}" x="{middle}" y="50%" text-anchor="middle">{percent(share)}</text>')
        begin += share
    said = ", ".join(f"{name} {percent(shares[name])}" for name in order if shares.get(name))
    return f'<svg class="stack" role="img" aria-label="{escape(f"{described}: {said}")}">{"".join(drawn)}</svg>'
