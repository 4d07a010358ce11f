"""A request's answer, some at a time: questions to the inference process, one after the other."""

from collections.abc import AsyncGenerator, Callable
from itertools import count
from typing import Final

import msgspec

from agents.inference.body import AskedBatch, Items, too_many
from agents.inference.messages import AnswerEvents, AnswerText, BeginEvents, FoldItems, ScoreRows, TooManyFolded
from agents.inference.process import FindRows, InferenceProcess
from agents.metrics import Metrics
from schemas.event import MAX_IDENTIFIER_CHARS
from schemas.fusion_config import Overrides
from schemas.inference import NOT_AN_ID, InferenceCounts
from streams.inference.overlay import Unavailable
from streams.input.identities import StudentOf, its_own
from streams.replay import batches

_STUDENTS_AT_ONCE: Final = 100
_NOT_AN_ID: Final = Unavailable(NOT_AN_ID, f"a student's id is a string of 1 to {MAX_IDENTIFIER_CHARS} characters")


class BatchAnswers:
    """Of one worker. `overrides` tells those in force, `now_ms` the time, `student_of` whose another id is. At most
    `most_events` are folded a request.

    Raises NotInferred and InferenceFailed.
    """

    def __init__(
        self,
        process: InferenceProcess,
        metrics: Metrics,
        most_events: int,
        overrides: Callable[[], Overrides],
        now_ms: Callable[[], int],
        student_of: StudentOf = its_own,
    ) -> None:
        self._process, self._metrics, self._most_events = process, metrics, most_events
        self._overrides, self._now_ms = overrides, now_ms
        self._student_of = student_of
        self._numbers = count()

    def of(self, asked: AskedBatch, find_rows: FindRows) -> AsyncGenerator[AnswerText, None]:
        """All of an answer but its end; to be closed where it is not taken to the end."""
        return self._of_students(asked, find_rows) if asked.of_students else self._of_events(asked, find_rows)

    async def _of_events(self, asked: AskedBatch, find_rows: FindRows) -> AsyncGenerator[AnswerText, None]:
        number = next(self._numbers)
        begins = BeginEvents(
            request=number,
            now_ms=self._now_ms(),
            onto_stored=asked.onto == "stored",
            most_events=self._most_events,
            overrides=self._overrides(),
        )
        try:
            await self._process.ask(begins)
            async for piece in asked.pieces:
                self._metrics.inference_items.add("events", len(piece))
                reply = await self._process.ask(FoldItems(request=number, values=piece), find_rows)
                if isinstance(reply, TooManyFolded):
                    raise too_many(self._most_events)
            while True:
                text = await self._text(AnswerEvents(request=number, most=_STUDENTS_AT_ONCE), find_rows)
                yield text
                if not text.text:
                    return
        finally:
            await self._process.drop(number)

    async def _of_students(self, asked: AskedBatch, find_rows: FindRows) -> AsyncGenerator[AnswerText, None]:
        items: Items = []
        async for piece in asked.pieces:
            self._metrics.inference_items.add("students", len(piece))
            items += piece
        overrides, updates, errors = self._overrides(), 0, 0
        for some in batches(enumerate(items), _STUDENTS_AT_ONCE):
            text = await self._text(await self._question(some, find_rows, overrides), find_rows)
            updates, errors = updates + text.counts.updates, errors + text.counts.errors
            counts = InferenceCounts(items=updates + errors, updates=updates, errors=errors)
            yield msgspec.structs.replace(text, counts=counts)

    async def _text(self, question: AnswerEvents | ScoreRows, find_rows: FindRows) -> AnswerText:
        reply = await self._process.ask(question, find_rows)
        assert isinstance(reply, AnswerText), "no other reply to such a question"
        return reply

    async def _question(
        self, some: list[tuple[int, bytes | int]], find_rows: FindRows, overrides: Overrides
    ) -> ScoreRows:
        keys = [self._student_of(_student_in(value)) for _, value in some]
        rows = iter(await find_rows([key for key in keys if key]))
        return ScoreRows(
            students=keys,
            rows=[next(rows) if key else _NOT_AN_ID for key in keys],
            items=[item for item, _ in some],
            overrides=overrides,
        )


def _student_in(item: bytes | int) -> bytes:
    """The id that an item is, encoded; nothing where it is none."""
    try:
        student = msgspec.json.decode(item, type=str) if isinstance(item, bytes) else ""
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return b""
    return student.encode() if len(student) <= MAX_IDENTIFIER_CHARS else b""
