"""Answers about one student from the rows that are here: the scores, or the last explanation."""

from http import HTTPStatus
from typing import Final

import msgspec

from agents.kafka.errors import BrokerUnavailable, DamagedBatch, TopicForbidden
from agents.queries.answers import NotLookedUp, StudentAnswers
from agents.queries.explanations import LastExplanations, StillReading
from agents.queries.lookups import StoredStudent, StudentLookups
from agents.queries.owner import QueryAnswer, no_answer
from schemas.errors import SkillstreamError
from schemas.student_answer import StudentAnswer
from streams.rows.table import Rows

_MISSING: Final = {
    "unknown": (HTTPStatus.NOT_FOUND, "no such student"),
    "erased": (HTTPStatus.GONE, "the student was erased"),
}


class StudentQueries:
    """Of one worker; its methods are AnswerHere."""

    def __init__(
        self, rows: Rows, lookups: StudentLookups, answers: StudentAnswers, explanations: LastExplanations
    ) -> None:
        self._rows, self._lookups = rows, lookups
        self._answers, self._explanations = answers, explanations

    async def scores(self, partition: int, key: bytes) -> QueryAnswer:
        """See StudentAnswer."""
        try:
            found = await self._answers.answer(StoredStudent(key, self._rows.get(partition, key)))
        except (NotLookedUp, SkillstreamError) as error:
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if isinstance(found, StudentAnswer):
            return QueryAnswer(HTTPStatus.OK, msgspec.json.encode(found))
        return no_answer(*_MISSING[found])

    async def explanation(self, partition: int, key: bytes) -> QueryAnswer:
        """The last message of `skill-reasoning` about the student, as it was published."""
        try:
            existence = await self._lookups.existence(StoredStudent(key, self._rows.get(partition, key)))
            if existence != "known":
                return no_answer(*_MISSING[existence])
            found = await self._explanations.last(partition, key)
        except (StillReading, BrokerUnavailable, TopicForbidden, DamagedBatch, SkillstreamError) as error:
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if found is None:
            return no_answer(HTTPStatus.NOT_FOUND, "nothing was explained of the student yet")
        return QueryAnswer(HTTPStatus.OK, found)
