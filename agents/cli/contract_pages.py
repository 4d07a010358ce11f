"""`make pages`: the documents of docs/contract as pages to read: `python -m agents.cli.contract_pages CONTRACT OUT`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import orjson

from agents.report.contract.frame import index_page
from agents.report.contract.paths import openapi_page
from agents.report.contract.topics import asyncapi_page

_KINDS: Final[dict[str, tuple[str, Callable[[dict[str, Any]], str]]]] = {
    "asyncapi": ("Topics and messages (AsyncAPI)", asyncapi_page),
    "openapi": ("Pages and queries of a worker (OpenAPI)", openapi_page),
    "openapi-gateway": ("What a gateway takes (OpenAPI)", openapi_page),
}


def write_pages(contract: Path, out: Path) -> list[Path]:
    """Write a page for `asyncapi.json` and each `openapi*.json`, as far as they are in `contract`, and an index.

    Raises OSError, and ValueError where one is no JSON.
    """
    out.mkdir(parents=True, exist_ok=True)
    titles: dict[str, str] = {}
    for name, (title, render) in _KINDS.items():
        if (document := contract / f"{name}.json").exists():
            (out / f"{name}.html").write_text(render(orjson.loads(document.read_bytes())), "utf-8")
            titles[f"{name}.html"] = title
    (out / "index.html").write_text(index_page(titles), "utf-8")
    return [out / name for name in ("index.html", *titles)]


if __name__ == "__main__":
    for written in write_pages(Path(sys.argv[1]), Path(sys.argv[2])):
        sys.stdout.write(f"{written}\n")
