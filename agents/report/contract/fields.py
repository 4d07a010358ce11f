"""A JSON Schema as a table of fields; a named schema is a link to where it is told."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any, Final

from agents.report.contract.words import anchor, reference_name, said

Schema = Mapping[str, Any]

_BOUNDS: Final = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxProperties": "at most {} names",
    "pattern": "like {}",
    "default": "default {}",
}


def fields(schema: Schema) -> str:
    """A table of an object's properties; of anything else its kind, in a line."""
    properties = schema.get("properties")
    if not properties:
        return f"<p>{kind(schema)}{_bounded(schema)}</p>"
    required = schema.get("required", ())
    rows = "".join(_row(name, each, required=name in required) for name, each in properties.items())
    return f'<div class="wide"><table><tr><th>field</th><th>is</th><th></th></tr>{rows}</table></div>'


def kind(schema: Schema) -> str:
    """What a value is: a JSON type, a list of values, or the name of a schema, with a link."""
    if "$ref" in schema:
        name = reference_name(schema["$ref"])
        return f'<a href="#{anchor("schema", name)}">{escape(name)}</a>'
    for values in ("enum", "const"):
        if values in schema:
            allowed = schema[values] if values == "enum" else [schema[values]]
            return " or ".join(f"<code>{escape(_plain(each))}</code>" for each in allowed)
    for choice in ("anyOf", "oneOf"):
        if choice in schema:
            return " or ".join(kind(each) for each in schema[choice])
    return _compound(schema)


def _compound(schema: Schema) -> str:
    found = schema.get("type", "any value")
    names = [found] if isinstance(found, str) else list(found)
    if names == ["array"]:
        items = schema.get("prefixItems") or schema.get("items", {})
        if isinstance(items, Mapping):
            return f"list of {kind(items)}"
        return f"[{', '.join(_element(each) for each in items)}]"
    if names == ["object"] and isinstance(schema.get("additionalProperties"), Mapping):
        return f"object, each value {kind(schema['additionalProperties'])}"
    shown = " or ".join(names)
    return f"{shown}, {escape(schema['format'])}" if "format" in schema else shown


def _element(schema: Schema) -> str:
    """Of a list whose places have names."""
    title = schema.get("title") or next((each["title"] for each in schema.get("anyOf", ()) if "title" in each), "")
    return f"{escape(title)}: {kind(schema)}" if title else kind(schema)


def _row(name: str, schema: Schema, *, required: bool) -> str:
    optional = "" if required else "<small>optional</small>"
    about = " ".join(filter(None, (said(schema.get("description") or _inner(schema)), _bounded(schema))))
    return f"<tr><td><code>{escape(name)}</code> {optional}</td><td>{kind(schema)}</td><td>{about}</td></tr>"


def _inner(schema: Schema) -> str:
    """The description of the one choice that has one."""
    return next((each["description"] for each in schema.get("anyOf", ()) if "description" in each), "")


def _bounded(schema: Schema) -> str:
    bounds = "; ".join(_bounds(schema))
    return f" <small>{bounds}</small>" if bounds else ""


def _bounds(schema: Schema) -> Iterator[str]:
    for name, words in _BOUNDS.items():
        if name in schema and schema[name] is not None:
            yield words.format(f"<code>{escape(_plain(schema[name]))}</code>")
    for each in schema.get("anyOf", ()):
        yield from _bounds(each)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)
