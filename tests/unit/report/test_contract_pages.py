"""The contract as pages: all of it is there, every link leads somewhere, and nothing is asked of anybody."""

from html import escape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import orjson
import pytest

from agents.cli.contract_pages import write_pages
from agents.report.contract.frame import index_page
from agents.report.contract.paths import openapi_page
from agents.report.contract.topics import asyncapi_page

CONTRACT: Final = Path(__file__).parents[3] / "docs" / "contract"
VOID: Final = {"meta", "br", "hr", "img", "input", "link"}
OPENAPI: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "skillstream", "version": "0.1.0"},
    "paths": {
        "/students/{id}": {
            "get": {
                "summary": "One student's `skills`.",
                "parameters": [{"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}],
                "responses": {
                    "200": {
                        "description": "Known",
                        "content": {
                            "application/json": {
                                "schema": {"$ref": "#/components/schemas/Student"},
                                "example": {"student_id": "ada"},
                            }
                        },
                    },
                    "404": {"description": "Unknown <script>alert(1)</script>"},
                },
            }
        }
    },
    "components": {"schemas": {"Student": {"type": "object", "properties": {"student_id": {"const": "ada"}}}}},
}


class Reader(HTMLParser):
    """Ids, links and tags of a page; fails on a tag that is closed out of turn."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: set[str] = set()
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tags.add(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [found] if (found := given.get("id")) else []
        self.links += [found] if (found := given.get("href")) else []
        assert "src" not in given

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def asyncapi() -> dict[str, Any]:
    return read("asyncapi")


def read(name: str) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads((CONTRACT / f"{name}.json").read_bytes())
    return document


@pytest.mark.parametrize(
    "page",
    [asyncapi_page(asyncapi()), openapi_page(read("openapi")), openapi_page(OPENAPI), index_page({"a.html": "A"})],
)
def test_it_is_whole_and_its_links_lead_somewhere_within(page: str) -> None:
    found = Reader(page)

    assert found.open == []
    assert len(set(found.ids)) == len(found.ids)
    inside = {link.removeprefix("#") for link in found.links if link.startswith("#")}
    assert inside <= set(found.ids)
    assert not [link for link in found.links if "//" in link]
    assert not {"script", "link", "img", "iframe"} & found.tags
    assert "default-src 'none'" in page


def test_every_topic_message_type_and_field_is_on_the_page() -> None:
    document = asyncapi()
    page = asyncapi_page(document)

    for name in document["channels"]:
        assert f'id="topic-{name}"' in page
    for message in document["components"]["messages"].values():
        assert f"<summary>{message.get('title') or message['name']}</summary>" in page
    for name, schema in document["components"]["schemas"].items():
        assert f'id="schema-{name}"' in page
        for field in schema.get("properties", {}):
            assert f"<code>{field}</code>" in page


def test_every_path_answer_and_token_of_a_worker_is_on_the_page() -> None:
    document = read("openapi")
    page = openapi_page(document)

    for path, item in document["paths"].items():
        for method, operation in ((name, each) for name, each in item.items() if name != "parameters"):
            section = page.partition(f"{method.upper()} {path}</summary>")[2].partition("</details>")[0]
            assert all(f"Answer {status}" in section for status in operation["responses"])
            assert all(f"<code>{name}</code>" in section for each in operation.get("security", ()) for name in each)
            parameters = (*item.get("parameters", ()), *operation.get("parameters", ()))
            assert all(f"<code>{each['name']}</code>" in section for each in parameters)
    for answer in document["components"]["responses"].values():
        assert escape(answer["description"]).split("`")[0] in page


def test_a_path_is_told_with_parameters_answers_and_examples() -> None:
    page = openapi_page(OPENAPI)

    assert "GET /students/{id}" in page
    assert "One student&#x27;s <code>skills</code>." in page
    assert '<a href="#schema-Student">Student</a>' in page
    assert "&quot;student_id&quot;: &quot;ada&quot;" in page
    assert "Answer 404" in page


def test_what_a_document_says_is_never_taken_for_html() -> None:
    assert "<script>" not in openapi_page(OPENAPI)
    assert "&lt;script&gt;" in openapi_page(OPENAPI)


def test_pages_are_written_of_what_is_there(tmp_path: Path) -> None:
    written = write_pages(CONTRACT, tmp_path / "pages")

    assert [path.name for path in written][:2] == ["index.html", "asyncapi.html"]
    assert 'href="asyncapi.html"' in written[0].read_text("utf-8")
