"""How pages of the contract look: dark or light as the reader is, on a telephone or a wide screen."""

from typing import Final

CONTRACT_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b2026; --soft: #55606b; --page: #f6f7f9; --card: #fff; --line: #dde2e8;
  --link: #0a5fc4; --code: #eef1f5 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8edf2; --soft: #a9b4c0; --page: #11161c; --card: #1a2129;
  --line: #303a45; --link: #83bbff; --code: #232c36 } }
* { box-sizing: border-box } html { scroll-padding-top: 1rem }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 0 }
header, main, nav { padding: 1rem; max-width: 62rem; overflow-wrap: anywhere }
a { color: var(--link) } a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px }
h1 { font-size: 1.6rem; margin: 0 } h2 { font-size: 1.25rem; margin: 2.5rem 0 .5rem }
h3 { font-size: 1.05rem; margin: 1.25rem 0 .25rem } p { margin: .25rem 0 .6rem; max-width: 72ch }
nav ul { list-style: none; padding: 0; margin: .25rem 0 1rem } nav li { margin: .2rem 0 }
nav summary { font-size: .9rem; color: var(--soft) } main > section:first-child > h2 { margin-top: 0 }
small, .soft { color: var(--soft) } code, pre { font: .9em ui-monospace, monospace; background: var(--code) }
code { padding: .1em .25em; border-radius: .25rem } pre { padding: .75rem; border-radius: .5rem; overflow-x: auto }
main details, section.type { background: var(--card); border: 1px solid var(--line); border-radius: .5rem;
  padding: .6rem .9rem; margin: .6rem 0 }
summary { cursor: pointer; font-weight: 600 } section.type h3 { margin-top: 0 }
.wide { overflow-x: auto } table { border-collapse: collapse; width: 100% }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-top: 1px solid var(--line) }
th { font-weight: 600; border-top: 0 }
td { overflow-wrap: break-word; min-width: 5rem } td:first-child code { white-space: nowrap }
@media (min-width: 64rem) { body { display: grid; grid-template-columns: 17rem minmax(0, 62rem) }
  header { grid-column: 2 } nav { grid-row: 1 / span 2; position: sticky; top: 0; height: 100vh; overflow-y: auto;
  border-right: 1px solid var(--line) } }
"""
