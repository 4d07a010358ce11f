"""An OpenAPI 3 document as a page: paths with their methods, parameters and answers."""

from collections.abc import Iterator
from html import escape
from typing import Final

from agents.report.contract.fields import fields, kind
from agents.report.contract.frame import ContractDocument, document_page
from agents.report.contract.words import anchor, example, paragraphs, said

_METHODS: Final = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


def openapi_page(document: ContractDocument) -> str:
    """Every text of the document is escaped. Raises KeyError where it is no OpenAPI document."""
    paths = document["paths"]
    return document_page(document, "path", paths, "".join(_path(path, document) for path in paths))


def _path(path: str, document: ContractDocument) -> str:
    item = document["paths"][path]
    methods = "".join(_method(path, method, document) for method in _METHODS if method in item)
    about = paragraphs(item.get("description"))
    return f'<section id="{anchor("path", path)}"><h2>{escape(path)}</h2>{about}{methods}</section>'


def _method(path: str, method: str, document: ContractDocument) -> str:
    item = document["paths"][path]
    operation = item[method]
    parameters = (*item.get("parameters", ()), *operation.get("parameters", ()))
    rows = "".join(_parameter(_resolved(each, document)) for each in parameters)
    titles = "<tr><th>parameter</th><th>in</th><th>is</th><th></th></tr>"
    table = f'<div class="wide"><table>{titles}{rows}</table></div>' if rows else ""
    body = "".join(_content("Request", operation.get("requestBody", {})))
    answers = "".join(
        part
        for status, each in operation.get("responses", {}).items()
        for part in _content(f"Answer {status}", _resolved(each, document))
    )
    tokens = " or ".join(f"<code>{escape(name)}</code>" for each in operation.get("security", ()) for name in each)
    needed = f"<p>Needs {tokens}.</p>" if tokens else ""
    about = paragraphs(operation.get("summary")) + paragraphs(operation.get("description"))
    title = f"{method.upper()} {escape(path)}"
    return f"<details open><summary>{title}</summary>{about}{needed}{table}{body}{answers}</details>"


def _resolved(part: ContractDocument, document: ContractDocument) -> ContractDocument:
    """An answer or a parameter as it is described, be it here or among the document's components."""
    if "$ref" not in part:
        return part
    kind_of_part, _, name = part["$ref"].removeprefix("#/components/").partition("/")
    found: ContractDocument = document["components"][kind_of_part][name]
    return found


def _parameter(parameter: ContractDocument) -> str:
    optional = "" if parameter.get("required") else " <small>optional</small>"
    name = f"<code>{escape(parameter['name'])}</code>{optional}"
    columns = (name, escape(parameter["in"]), kind(parameter.get("schema", {})), said(parameter.get("description", "")))
    return f"<tr>{''.join(f'<td>{each}</td>' for each in columns)}</tr>"


def _content(heading: str, described: ContractDocument) -> Iterator[str]:
    if described:
        yield f"<h3>{escape(heading)}</h3>{paragraphs(described.get('description'))}"
    for media, each in described.get("content", {}).items():
        yield f"<p><small>{escape(media)}</small></p>{fields(each.get('schema', {}))}"
        if "example" in each:
            yield example(each["example"])
