"""An AsyncAPI 3.0 document as a page: topics, what is sent and received, messages with their fields and examples."""

from html import escape
from typing import Any

from agents.report.contract.fields import fields
from agents.report.contract.frame import ContractDocument, document_page
from agents.report.contract.words import anchor, example, paragraphs, reference_name, said


def asyncapi_page(document: ContractDocument) -> str:
    """Every text of the document is escaped. Raises KeyError where it is no AsyncAPI 3.0 document."""
    channels = document["channels"]
    return document_page(document, "topic", channels, "".join(_topic(name, document) for name in channels))


def _topic(name: str, document: ContractDocument) -> str:
    channel = document["channels"][name]
    operations = "".join(
        f"<p><strong>skillstream {escape(each['action'])}s:</strong> {said(each.get('summary', ''))}</p>"
        for each in document["operations"].values()
        if reference_name(each["channel"]["$ref"]) == name
    )
    found = (document["components"]["messages"][reference_name(each["$ref"])] for each in channel["messages"].values())
    messages = "".join(_message(each, document) for each in found)
    configuration = channel.get("bindings", {}).get("kafka", {}).get("topicConfiguration", {})
    policies = ", ".join(f"{escape(key)} {escape(_shown(value))}" for key, value in configuration.items())
    return (
        f'<section id="{anchor("topic", name)}"><h2>{escape(name)}</h2>{paragraphs(channel.get("description"))}'
        f'{operations}<p class="soft">{policies}</p>{messages}</section>'
    )


def _message(message: ContractDocument, document: ContractDocument) -> str:
    payload = message.get("payload", {})
    schema = document["components"]["schemas"][reference_name(payload["$ref"])] if "$ref" in payload else payload
    about = paragraphs(message.get("summary") or message.get("description") or schema.get("description"))
    headers = message.get("headers", {})
    header_table = f"<h3>Headers</h3>{fields(headers)}" if headers.get("properties") else ""
    examples = "".join(_example(each) for each in message.get("examples", ()))
    shown = f"<h3>Example</h3>{examples}" if examples else ""
    title = escape(message.get("title") or message["name"])
    return f"<details><summary>{title}</summary>{about}{fields(schema)}{header_table}{shown}</details>"


def _example(found: ContractDocument) -> str:
    return "".join(example(found[part]) for part in ("headers", "payload") if part in found)


def _shown(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
