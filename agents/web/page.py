"""The page for people: one look says whether it works, how far it is behind, and what it spends.

Complete in itself: no script, no outside asset, nothing that isn't escaped. It reloads only when asked to.
"""

import base64
import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from math import isnan
from typing import Final

from agents.display.plain import plain
from agents.health import ComponentStatus, HealthReport
from agents.health.lag import Lag
from agents.metrics import Metrics

REFRESH_S: Final = 5
_MAX_PARTITIONS: Final = 40

_STYLE: Final = """
:root { color-scheme: light dark; --ok: #17692f; --degraded: #8a5300; --down: #b3161b; --line: #8886; --soft: #8882 }
@media (prefers-color-scheme: dark) { :root { --ok: #69d389; --degraded: #f0b35b; --down: #ff8a8a } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem }
h1 { font-size: 1.5rem; margin: 0 }
h2 { font-size: 1.1rem; margin: 2rem 0 .5rem }
.state { font-size: 1.15rem; border-left: .4rem solid; padding: .4rem 1rem; background: var(--soft); margin: 1rem 0 }
.ok { color: var(--ok) } .degraded { color: var(--degraded) } .failing, .down { color: var(--down) }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .75rem; margin: 0 }
.figures div { background: var(--soft); padding: .6rem .9rem; border-radius: .4rem }
dt { font-size: .9rem } dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto }
table { border-collapse: collapse; width: 100% }
caption { text-align: left; padding-bottom: .4rem }
th, td { text-align: left; padding: .35rem .9rem .35rem 0; border-top: 1px solid var(--line); vertical-align: top }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums }
nav a { margin-right: 1rem } a { color: inherit } strong { white-space: nowrap }
footer { margin-top: 2.5rem; font-size: .9rem }
"""
STYLE_HASH: Final = "sha256-" + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()

_SIGNS: Final[dict[ComponentStatus, str]] = {"ok": "✓", "degraded": "!", "failing": "✕", "down": "✕"}
_SAID: Final[dict[ComponentStatus, str]] = {
    "ok": "All is well.",
    "degraded": "Working, with something missing.",
    "failing": "Working, and somebody should look.",
    "down": "It cannot do its job.",
}
_LINKS: Final = ("/live", "/ready", "/health", "/health/detailed", "/metrics")


def status_page(report: HealthReport, lag: Lag, metrics: Metrics, *, refreshing: bool) -> str:
    """The page as HTML."""
    reload = f'<meta http-equiv="refresh" content="{REFRESH_S}">' if refreshing else ""
    toggle = ("/", "stop reloading") if refreshing else ("/?refresh", f"reload every {REFRESH_S} s")
    links = "".join(f'<a href="{path}">{path}</a>' for path in _LINKS)
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">{reload}
<title>{escape(report.status)} · skillstream worker</title>
<style>{_STYLE}</style>
</head>
<body>
<header><h1>skillstream worker</h1></header>
<main>
<p class="state {report.status}"><strong>{_state(report.status)}</strong> {_SAID[report.status]}</p>
{_figures(metrics)}
<h2>Components</h2>
{_components(report)}
<h2>Lag</h2>
{_lag(lag)}
<h2>Events</h2>
{_events(metrics)}
<h2>Explanations</h2>
{_spend(metrics)}
</main>
<footer>
<nav aria-label="Other pages">{links}<a href="{toggle[0]}">{toggle[1]}</a></nav>
<p>Version {escape(version("skillstream"))}, as of <time>{now}</time>. Counts are this worker's, since it started.</p>
</footer>
</body>
</html>
"""


def _state(status: ComponentStatus) -> str:
    return f'<span aria-hidden="true">{_SIGNS[status]}</span> {status}'


def _figures(metrics: Metrics) -> str:
    spend = metrics.spend_usd.value
    figures = {
        "Skill updates": _number(metrics.updates.value),
        "Students held here": _number(metrics.students.value),
        "Explanations": _number(sum(metrics.explanations.values().values())),
        "Calls used": _number(metrics.calls_granted.value),
        "Spent": f"${spend:,.2f}",
    }
    cells = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in figures.items())
    return f'<dl class="figures">{cells}</dl>'


def _components(report: HealthReport) -> str:
    rows = "".join(
        f'<tr><th scope="row">{escape(part.name)}</th>'
        f'<td class="{part.status}"><strong>{_state(part.status)}</strong></td><td>{escape(part.reason)}</td></tr>'
        for part in report.components
    )
    head = '<tr><th scope="col">component</th><th scope="col">state</th><th scope="col">why</th></tr>'
    return f'<div class="wide"><table><thead>{head}</thead><tbody>{rows}</tbody></table></div>'


def _lag(lag: Lag) -> str:
    if lag.problem is not None:
        last = "" if lag.age_s is None else f" The last figures were measured {lag.age_s:.0f} s ago."
        return f'<p class="degraded"><strong>Unknown:</strong> {escape(plain(lag.problem))}.{last}</p>'
    worst = sorted(lag.offsets, key=lambda part: (-lag.records.get(part, 0), part))
    rows = [
        (topic, partition, *map(_number, (lag.records.get((topic, partition)), at.committed, at.end, at.held_records)))
        for topic, partition in worst[:_MAX_PARTITIONS]
        for at in (lag.offsets[topic, partition],)
    ]
    more = f"; {len(worst) - len(rows)} more in /metrics" if len(worst) > len(rows) else ""
    caption = f"{_number(sum(lag.records.values()))} records behind in all, measured {lag.age_s or 0:.0f} s ago{more}"
    return _table(caption, ("topic", "partition", "lag", "committed", "end", "held"), rows)


def _events(metrics: Metrics) -> str:
    rows = [(outcome, _number(events)) for outcome, events in metrics.events.values().items()]
    rows += [(f"dead letter: {reason}", _number(events)) for reason, events in metrics.dead_letters.values().items()]
    return _table(f"of {_number(metrics.records.value)} records", ("outcome", "events"), rows)


def _spend(metrics: Metrics) -> str:
    rows = [
        ("students waiting", _number(metrics.pending_students.value)),
        ("students given up for lack of budget", _number(metrics.not_explained.value)),
        *((f"written by: {name}", _number(made)) for name, made in metrics.explanations.values().items()),
        ("calls that the limits admitted", _number(metrics.calls_granted.value)),
        *((f"calls refused by {bucket}", _number(calls)) for bucket, calls in metrics.calls_refused.values().items()),
        *((f"calls that ended: {name}", _number(calls)) for name, calls in metrics.reasoning_calls.values().items()),
        *((f"{kind} tokens", _number(tokens)) for kind, tokens in metrics.tokens.values().items()),
    ]
    return _table("", ("what", "count"), rows)


def _table(caption: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table whose first column names the row and whose others are numbers."""
    heads = "".join(f'<th scope="col"{_as_number(column)}>{escape(name)}</th>' for column, name in enumerate(columns))
    lines = "".join(
        f'<tr><th scope="row">{escape(str(first))}</th>'
        + "".join(f'<td class="number">{escape(str(cell))}</td>' for cell in others)
        + "</tr>"
        for first, *others in rows
    )
    said = f"<caption>{escape(caption)}</caption>" if caption else ""
    return f'<div class="wide"><table>{said}<thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table></div>'


def _as_number(column: int) -> str:
    return ' class="number"' if column else ""


def _number(value: float | None) -> str:
    return "unknown" if value is None or isnan(value) else f"{value:,.0f}"
