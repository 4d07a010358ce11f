"""The pages that tell of one student, for readers: answered by the owner of the student's partition, whoever is asked.

    /students/{id}                  the newest scores, and what they were made of
    /students/{id}/history          the scores of 52 weeks, the one under way last
    /students/{id}/explanation      the last explanation

Ids are percent-encoded as a whole, slashes too.
"""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from urllib.parse import unquote_to_bytes

from aiohttp import web

from agents.dashboard.student_page import STUDENT
from agents.display.plain import plain
from agents.queries import Owners
from agents.queries.audited import AuditedReads, ReadAction, Reader
from agents.queries.owner import AnswerHere, QueryAnswer, no_answer
from agents.queries.student import StudentQueries
from agents.web.access import CALLER
from agents.web.pages import Page, Respond
from schemas.event import MAX_IDENTIFIER_CHARS


def student_pages(owners: Owners, queries: StudentQueries, reads: AuditedReads) -> list[Page]:
    """All of them."""

    def page(path: str, action: ReadAction, here: AnswerHere) -> Page:
        return Page(path, _responding(owners, partial(_recorded, reads, action, here)), role="reader")

    return [
        page("/students/{id}", "read_scores", queries.scores),
        page("/students/{id}/history", "read_history", queries.history),
        page("/students/{id}/explanation", "read_explanation", queries.explanation),
    ]


def reader_of(request: web.Request) -> Reader:
    """Who asks, for the audit trail."""
    caller = request[CALLER]
    return Reader(caller.role, caller.identity)


def _recorded(reads: AuditedReads, action: ReadAction, here: AnswerHere, request: web.Request) -> AnswerHere:
    return reads.by(reader_of(request), action, here)


def _responding(owners: Owners, here_for: Callable[[web.Request], AnswerHere]) -> Respond:
    async def respond(request: web.Request) -> web.Response:
        path = request.rel_url.raw_path
        key = student_key(path)
        found = (
            key if isinstance(key, QueryAnswer) else await owners.answer(key, path, request.headers, here_for(request))
        )
        return web.Response(
            body=found.body, status=found.status, content_type=found.content_type, headers=found.headers
        )

    return respond


def asked_student(request: web.Request) -> str | None:
    """The id of the student whom a page for readers is about, as the page will read it; None where it is about none."""
    path = request.rel_url.raw_path
    if path == STUDENT:
        return request.query.get("id", "").strip() or None
    key = student_key(path) if path.startswith("/students/") else None
    return key.decode() if isinstance(key, bytes) else None


def student_key(raw_path: str) -> bytes | QueryAnswer:
    """The key of the student in `/students/<id>…`; what to answer where that is no id."""
    try:
        key = unquote_to_bytes(raw_path.split("/")[2])
        student = key.decode()
    except (UnicodeError, IndexError):
        return no_answer(HTTPStatus.BAD_REQUEST, "the id is not UTF-8, percent-encoded")
    if not 1 <= len(student) <= MAX_IDENTIFIER_CHARS:
        return no_answer(HTTPStatus.BAD_REQUEST, plain(f"an id has 1 to {MAX_IDENTIFIER_CHARS} characters"))
    return key
