"""Questions by any id of a student: answered about the student, with the path of the same answer by the own id.

A worker that is asked by another is asked by the student's id: two that know different entries never ask in circles.
"""

from collections.abc import Mapping
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol
from urllib.parse import quote

from agents.peers.request import ASKED_HEADER
from agents.queries.owner import AnswerHere, Owners, QueryAnswer, no_answer


class OtherIds(Protocol):
    """Whose another id is: IdentityFollower."""

    is_read: bool
    """Whether all entries were read once."""

    def student_of(self, key: bytes) -> bytes:
        """The student whose id it is; the id itself where it is nobody's."""
        ...


class AnswersByAnyId:
    """Implements Owners, by those who answer about students."""

    def __init__(self, owners: Owners, others: OtherIds) -> None:
        self._owners, self._others = owners, others

    async def answer(self, key: bytes, path: str, headers: Mapping[str, str], here: AnswerHere) -> QueryAnswer:
        """See Owners. 503 instead of 404 before the entries are known."""
        is_asked_by_a_worker = ASKED_HEADER in headers
        student = key if is_asked_by_a_worker else self._others.student_of(key)
        if student != key:
            located = _path_of(student, path)
            found = await self._owners.answer(student, located, headers, here)
            return replace(found, location=located) if found.status == HTTPStatus.OK else found
        found = await self._owners.answer(key, path, headers, here)
        if found.status == HTTPStatus.NOT_FOUND and not (is_asked_by_a_worker or self._others.is_read):
            said = "not known by this id, and other ids are not known here yet"
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, said)
        return found


def _path_of(student: bytes, path: str) -> str:
    parts = path.split("/")
    return "/".join(("", parts[1], quote(student, safe=""), *parts[3:]))
