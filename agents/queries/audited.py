"""Reads of students, each recorded on the audit trail before it is answered; one that cannot be is not answered.

The worker that has the row records it: a question that goes from worker to worker is recorded once, by who answers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final, Literal, Protocol

from agents.audit.trail import AuditTrail, AuditUnavailable
from agents.queries.owner import AnswerHere, QueryAnswer, no_answer
from schemas.audit import MOST_ABOUT, AuditActor, AuditOutcome
from streams.rows.segments import is_segment, student_of

ReadAction = Literal["read_scores", "read_history", "read_explanation"]
_OUTCOMES: Final[Mapping[int, AuditOutcome]] = {
    HTTPStatus.OK: "answered",
    HTTPStatus.NOT_FOUND: "unknown",
    HTTPStatus.GONE: "erased",
}
"""Others tell nothing of a student."""


class Pseudonyms(Protocol):
    """Tells what stands for a person or a token on the audit trail: Keyring."""

    def pseudonym(self, name: str) -> str:
        """The keyed hash of a name."""
        ...


@dataclass(frozen=True, slots=True)
class Reader:
    """Who asks: a role of the pages, and what tells one who has it from another."""

    role: str
    identity: str


class AuditedReads:
    """Of one worker."""

    def __init__(self, trail: AuditTrail, names: Pseudonyms) -> None:
        self._trail, self._names = trail, names

    def by(self, reader: Reader, action: ReadAction, here: AnswerHere) -> AnswerHere:
        """`here`, for one who asks: 503 in the place of an answer that cannot be recorded."""
        who, noted = self._actor(reader), set[AuditOutcome]()

        async def recorded(partition: int, key: bytes) -> QueryAnswer:
            found = await here(partition, key)
            outcome = _OUTCOMES.get(found.status)
            if outcome is None or outcome in noted:
                return found
            try:
                await self._trail.note(action, who, outcome, [self._pseudonym(key)])
                noted.add(outcome)  # where producers place keys as they like, each partition is asked
            except AuditUnavailable as error:
                return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
            return found

        return recorded

    async def rows(self, reader: Reader, keys: Sequence[bytes]) -> None:
        """Record that rows, or segments, of these keys are read. Raises AuditUnavailable."""
        students = dict.fromkeys(student_of(key) if is_segment(key) else key for key in keys)
        about = [self._pseudonym(student) for student in students]
        for first in range(0, len(about), MOST_ABOUT):
            await self._trail.note("read_rows", self._actor(reader), "answered", about[first : first + MOST_ABOUT])

    def _actor(self, reader: Reader) -> AuditActor:
        return AuditActor(reader.role, self._names.pseudonym(reader.identity) if reader.identity else "")

    def _pseudonym(self, key: bytes) -> str:
        return self._names.pseudonym(key.decode(errors="surrogateescape"))
