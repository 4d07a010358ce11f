"""How a report looks: colours are variables, so that the plots follow the reader's dark or light."""

from typing import Final

REPORT_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2026; --soft: #5a6570; --page: #f6f7f9; --card: #fff; --line: #dde2e8;
  --first: #0a5fc4; --second: #b4470b; --target: #0a5fc41f }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #a0abb7; --page: #11161c; --card: #1a2129;
  --line: #303a45; --first: #74b4ff; --second: #ffae70; --target: #74b4ff2e } }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 auto;
  max-width: 90rem; padding: 1rem }
@media (min-width: 40rem) { body { padding: 2rem } }
h1 { font-size: 1.5rem; margin: 0 0 .25rem } h2 { font-size: 1.3rem; margin: 2.5rem 0 .75rem; overflow-wrap: anywhere }
h3 { font-size: 1.05rem; margin: 0 }
p { margin: .25rem 0 .75rem; max-width: 70ch } .soft, figcaption p, dt, dd small { color: var(--soft) }
.figures, .plots { display: grid; gap: .75rem; margin: .75rem 0 }
.figures { grid-template-columns: repeat(auto-fill, minmax(min(9.5rem, 45%), 1fr)) }
.figures div, figure, details { background: var(--card); border: 1px solid var(--line); border-radius: .5rem }
.figures div { padding: .6rem .9rem } dt { font-size: .9rem }
dd { margin: 0; font-size: 1.35rem; font-variant-numeric: tabular-nums } dd small { display: block; font-size: .8rem }
.plots { grid-template-columns: repeat(auto-fill, minmax(min(100%, 22rem), 1fr)); align-items: start }
figure { margin: 0; padding: .9rem; display: flex; flex-direction: column; gap: .5rem }
figcaption { font-size: .9rem } figcaption p { margin: .15rem 0 0 }
svg { width: 100%; max-width: 32rem; height: auto; font: 13px system-ui, sans-serif }
svg text { fill: var(--ink) } svg .tick { fill: var(--soft) } svg .title { fill: var(--soft) }
.grid { stroke: var(--line) } .axis, .zero { stroke: var(--soft) }
.ideal { stroke: var(--soft); stroke-dasharray: 5 4 }
polyline { fill: none; stroke-width: 2 } polyline.first { stroke: var(--first) }
polyline.second { stroke: var(--second) }
circle.first, circle.dot { fill: var(--first) } circle.second { fill: var(--second) } .target { fill: var(--target) }
.range { stroke: var(--first); stroke-width: 2; opacity: .55 }
.key { font-size: .9rem } .key span { margin-right: 1rem; white-space: nowrap }
.key i { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin-right: .35rem }
i.first { background: var(--first) } i.second { background: var(--second) }
details { padding: .6rem .9rem } summary { cursor: pointer } .wide { overflow-x: auto }
table { border-collapse: collapse; font-size: .9rem; margin: .75rem 0 1.25rem }
caption { text-align: left; font-weight: 600 }
th, td { padding: .25rem 1rem .25rem 0; text-align: right; border-top: 1px solid var(--line); white-space: nowrap;
  font-variant-numeric: tabular-nums } th:first-child { text-align: left; font-weight: normal }
"""
