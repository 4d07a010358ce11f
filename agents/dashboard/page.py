"""The page `/`: the whole group at one look. Complete without a script; with one, its parts stay up to date."""

from collections.abc import Mapping
from html import escape
from typing import Final

from agents.dashboard import overview, score_cards, stream_cards, tenant_card
from agents.dashboard.figures import PAST_STEP_S
from agents.dashboard.group import GroupView
from agents.dashboard.markup import HEAD, card
from agents.dashboard.numbers import utc
from agents.dashboard.student_page import ask_for_student

STREAM: Final = "/group/stream"
_LINKS: Final = {"/health/detailed": "health", "/metrics": "metrics", "/group/figures": "figures"}


def parts(group: GroupView) -> dict[str, str]:
    """The parts that change, by their ids, as HTML. One about tenants only where there are any."""
    of_tenants = {"tenants": tenant_card.tenants(group)} if group.tenants else {}
    return {
        "as-of": utc(group.at_s),
        "state": overview.state(group),
        "tiles": overview.tiles(group),
        "throughput": overview.throughput(group),
        "latency": overview.latency(group),
        "behind": overview.behind(group),
        "partitions": stream_cards.partitions(group),
        "skills": score_cards.skills(group),
        "reasoning": score_cards.reasoning(group),
        "sources": stream_cards.sources(group),
        "dead-letters": stream_cards.dead_letters(group),
        "workers": stream_cards.workers(group),
        **of_tenants,
    }


def changed(former: Mapping[str, str], now: Mapping[str, str]) -> dict[str, str]:
    """The parts of `now` that are not as in `former`."""
    return {name: html for name, html in now.items() if former.get(name) != html}


def dashboard_page(
    group: GroupView, shown: Mapping[str, str], name: str, version: str, *, reloading: bool, students: bool
) -> str:
    """The page as HTML, of a group and its `parts`. `name` is the deployment's. Without a script it can be reloaded.
    `students` is whether students' pages are open to anybody.
    """
    ask = ask_for_student() if students else ""
    cards = "".join(
        (
            card("throughput", "Throughput", shown["throughput"]),
            card(
                "latency",
                "End-to-end latency",
                shown["latency"],
                about="From a record’s timestamp to its confirmed update.",
            ),
            card("behind", "Records behind", shown["behind"]),
            card("partitions", "Lag by partition", shown["partitions"], kind="broad"),
            card("reasoning", "Reasoning", shown["reasoning"]),
            card("skills", "Skills", shown["skills"], about="Share of students in each level."),
            card("dead-letters", "Dead letters", shown["dead-letters"], about="What could not be read."),
            card("sources", "Sources of evidence", shown["sources"]),
            card("tenants", "Tenants", shown["tenants"], kind="whole") if "tenants" in shown else "",
            card("workers", "Workers", shown["workers"], kind="whole"),
        )
    )
    links = "".join(f'<a href="{path}">{said}</a>' for path, said in _LINKS.items())
    reload = f'<meta http-equiv="refresh" content="{PAST_STEP_S}">' if reloading else ""
    where, toggle = ("/", "stop reloading") if reloading else ("/?refresh", f"reload every {PAST_STEP_S} s")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
{HEAD}{reload}
<title>{escape(group.status)} · {escape(name)}</title>
<script src="/assets/live.js" defer></script><script src="/assets/cursor.js" defer></script>
</head>
<body data-stream="{STREAM}">
<a class="skip" href="#main">Skip to the figures</a>
<header><h1>{escape(name)}</h1><p><span id="live" role="status"></span>
<span class="soft">as of <time id="as-of" data-part>{shown["as-of"]}</time></span></p>{ask}</header>
<main id="main" tabindex="-1">
<div id="state" data-part>{shown["state"]}</div>
<div id="tiles" data-part>{shown["tiles"]}</div>
<div class="cards">{cards}</div>
</main>
<footer><nav aria-label="Other pages">{links}<noscript><a href="{where}">{toggle}</a></noscript></nav>
<p>skillstream {escape(version)}. Counts are since each worker started; charts are of the last 15 minutes, in UTC.</p>
</footer>
</body>
</html>
"""
