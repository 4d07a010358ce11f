"""Answers about one student from the rows that are here: the scores, how they went, or the last explanation."""

from http import HTTPStatus
from typing import Final

import msgspec

from agents.queries.answers import StudentAnswers
from agents.queries.explanations import LastExplanations
from agents.queries.lookups import StoredStudent, StudentLookups
from agents.queries.owner import QueryAnswer, no_answer
from schemas.errors import SkillstreamError
from schemas.history import HISTORY_VERSION, SkillHistory, encode_history
from schemas.student_answer import StudentAnswer
from streams.rows.row_batch import RowBatch
from streams.rows.table import Rows
from streams.scoring.histories import HistoryWriter

_MISSING: Final = {
    "unknown": (HTTPStatus.NOT_FOUND, "no such student"),
    "erased": (HTTPStatus.GONE, "the student was erased"),
}


class StudentQueries:
    """Of one worker; its methods are AnswerHere."""

    def __init__(
        self,
        rows: Rows,
        skills: tuple[str, ...],
        lookups: StudentLookups,
        answers: StudentAnswers,
        explanations: LastExplanations,
    ) -> None:
        """`skills` are the names of those that are scored."""
        self._rows, self._lookups = rows, lookups
        self._answers, self._explanations = answers, explanations
        self._skills, self._histories = skills, HistoryWriter(skills)

    async def scores(self, partition: int, key: bytes) -> QueryAnswer:
        """See StudentAnswer."""
        try:
            found = await self._answers.answer(StoredStudent(key, self._rows.get(partition, key)))
        except SkillstreamError as error:
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if isinstance(found, StudentAnswer):
            return QueryAnswer(HTTPStatus.OK, msgspec.json.encode(found))
        return no_answer(*_MISSING[found])

    async def history(self, partition: int, key: bytes) -> QueryAnswer:
        """Scores by week, the one under way last, as SkillHistory; without any for who never had a score."""
        row = self._rows.get(partition, key)
        try:
            existence = await self._lookups.existence(StoredStudent(key, row))
            if existence != "known":
                return no_answer(*_MISSING[existence])
            [weeks] = RowBatch.of([row], self._skills).sections["weeks"]
            history = self._histories.history_to_date(key.decode(), weeks) if weeks else _no_scores(key)
        except SkillstreamError as error:
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        return QueryAnswer(HTTPStatus.OK, encode_history(history))

    async def explanation(self, partition: int, key: bytes) -> QueryAnswer:
        """The last message of `skill-reasoning` about the student, as it was published."""
        try:
            existence = await self._lookups.existence(StoredStudent(key, self._rows.get(partition, key)))
            if existence != "known":
                return no_answer(*_MISSING[existence])
            found = await self._explanations.last(partition, key)
        except SkillstreamError as error:
            return no_answer(HTTPStatus.SERVICE_UNAVAILABLE, str(error))
        if found is None:
            return no_answer(HTTPStatus.NOT_FOUND, "nothing was explained of the student yet")
        return QueryAnswer(HTTPStatus.OK, found)


def _no_scores(key: bytes) -> SkillHistory:
    return SkillHistory(version=HISTORY_VERSION, student_id=key.decode(), skills={})
