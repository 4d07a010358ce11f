"""The page of one student, for readers: `/student?id=…`, by the answers that `/students/{id}` and its like give."""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec
from aiohttp import web

from agents.dashboard.student_page import STUDENT, no_student_page, student_page
from agents.queries import Owners
from agents.queries.audited import AuditedReads, ReadAction
from agents.queries.owner import AnswerHere, QueryAnswer
from agents.queries.student import StudentQueries
from agents.web.pages import Page
from agents.web.students import reader_of, student_key
from schemas.explanation import read_explanation
from schemas.history import read_history
from schemas.student_answer import QueryRefusal, StudentAnswer

_ANSWERS: Final = msgspec.json.Decoder(StudentAnswer)
_REFUSALS: Final = msgspec.json.Decoder(QueryRefusal)
_T = TypeVar("_T")


def student_page_for_people(owners: Owners, queries: StudentQueries, reads: AuditedReads) -> Page:
    """The page. What cannot be answered now is missing on it; without scores there is the reason, and the form."""

    async def respond(request: web.Request) -> web.Response:
        student = request.query.get("id", "").strip()
        if not student:
            return _html(no_student_page(""))
        path = f"/students/{quote(student, safe='')}"
        key = student_key(path)
        if isinstance(key, QueryAnswer):
            return _refused(student, key)

        reader = reader_of(request)

        async def ask(end: str, action: ReadAction, here: AnswerHere) -> QueryAnswer:
            return await owners.answer(key, path + end, request.headers, reads.by(reader, action, here))

        scores, explanation, history = await asyncio.gather(
            ask("", "read_scores", queries.scores),
            ask("/explanation", "read_explanation", queries.explanation),
            ask("/history", "read_history", queries.history),
        )
        answer = _read(scores, _ANSWERS.decode)
        if answer is None:
            return _refused(student, scores)
        described = _read(explanation, read_explanation), _read(history, read_history)
        return _html(student_page(answer, *described, asked=student))

    return Page(STUDENT, respond, role="reader")


def _read(found: QueryAnswer, read: Callable[[bytes], _T]) -> _T | None:
    """The document; None where there is none, or one of another version, as while a group is upgraded."""
    if found.status != HTTPStatus.OK:
        return None
    try:
        return read(found.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _refused(student: str, found: QueryAnswer) -> web.Response:
    try:
        said = _REFUSALS.decode(found.body).error
    except msgspec.MsgspecError:
        said = "another worker gave an answer that this one cannot read"
    status = HTTPStatus.BAD_GATEWAY if found.status == HTTPStatus.OK else found.status
    return _html(no_student_page(student, said), status, found.headers)


def _html(text: str, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)
