"""What every page of the contract has: a head, a menu, the types at the end. It runs no script, and asks nobody."""

from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from agents.report.contract.fields import fields
from agents.report.contract.style import CONTRACT_STYLE
from agents.report.contract.words import anchor, paragraphs

ContractDocument = Mapping[str, Any]


def index_page(pages: Mapping[str, str]) -> str:
    """Links to pages, by file name and title."""
    links = "".join(f'<li><a href="{escape(name)}">{escape(title)}</a></li>' for name, title in pages.items())
    return _page("skillstream: the contract", "", "", f"<ul>{links}</ul>")


def document_page(document: ContractDocument, what: str, names: Iterable[str], main: str) -> str:
    """A document's page: `main`, with links to the sections `names` that are `what`, and its types."""
    schemas = document.get("components", {}).get("schemas", {})
    types = "".join(
        f'<section class="type" id="{anchor("schema", name)}"><h3>{escape(name)}</h3>'
        f"{paragraphs(schema.get('description'))}{fields(schema)}</section>"
        for name, schema in schemas.items()
    )
    menu = _menu(f"{what.capitalize()}s", what, names) + _menu("Types", "schema", schemas)
    title = f"{document['info']['title']} {document['info']['version']}"
    about = paragraphs(document["info"].get("description"))
    return _page(title, about, menu, f"{main}<h2>Types</h2>{types}" if types else main)


def _menu(heading: str, what: str, names: Iterable[str]) -> str:
    links = "".join(f'<li><a href="#{anchor(what, name)}">{escape(name)}</a></li>' for name in names)
    shown = "" if what == "schema" else " open"
    return f"<details{shown}><summary>{heading}</summary><ul>{links}</ul></details>" if links else ""


def _page(title: str, about: str, menu: str, main: str) -> str:
    navigation = f'<nav aria-label="Contents">{menu}</nav>' if menu else ""
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{escape(title)}</title>
<style>{CONTRACT_STYLE}</style>
</head>
<body>
<header><h1>{escape(title)}</h1>{about}</header>
{navigation}
<main>{main}</main>
</body>
</html>
"""
