"""Answers a worker's questions, one after the other, in the inference process."""

from collections.abc import Sequence
from typing import BinaryIO

from msgspec import Struct

from agents.config.dialects import load_dialects
from agents.config.models import artifact_of
from agents.inference.messages import (
    QUESTIONS,
    AnswerEvents,
    AnswerText,
    BeginEvents,
    EndEvents,
    FoldItems,
    ProcessReady,
    ProcessReply,
    PutNorms,
    QuestionDone,
    QuestionFailed,
    RowsFound,
    RowsWanted,
    ScoreRows,
    Setup,
    TooManyFolded,
    WorkerQuestion,
    frame,
    read_frame,
)
from schemas.errors import Fatal
from schemas.inference import InferenceCounts
from streams.inference.events import InferredEvents, TooManyEvents, decoded_item
from streams.inference.overlay import FoundRow, nothing_stored
from streams.inference.scoring import StudentRow, score_students
from streams.norms.snapshot import NormSnapshot
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.skills.skills_file import load_skills


class ProcessAnswers:
    """Of one process. What a question raises is its reply; the next may be answered all the same."""

    def __init__(self, setup: Setup, questions: BinaryIO, replies: BinaryIO) -> None:
        self._decode = load_dialects(setup.mapping).within(setup.bounds)
        self._pipeline = Pipeline(
            load_skills(setup.skills),
            artifact_of(setup),
            on_failure=_degraded,
            decode=decoded_item,
            known_ids=setup.known_ids,
            components=setup.components,
        )
        self._questions, self._replies = questions, replies
        self._requests: dict[int, InferredEvents] = {}

    async def serve(self) -> None:
        """Answer until the input ends, which raises EOFError."""
        self._send(ProcessReady(self._pipeline.base_version))
        while True:
            question = QUESTIONS.decode(read_frame(self._questions))
            try:
                reply = await self._reply(question)
            except TooManyEvents:
                reply = TooManyFolded()
            except (EOFError, BrokenPipeError):
                raise
            except Exception as error:  # the guard: a fault that one request finds is no other's
                reply = QuestionFailed(f"{type(error).__name__}: {error}")
            self._send(reply)

    async def _reply(self, question: WorkerQuestion) -> ProcessReply:
        match question:
            case PutNorms():
                self._pipeline.put_norms(NormView(NormSnapshot.decode(question.snapshot, question.app_id)))
            case BeginEvents():
                self._requests[question.request] = self._begun(question)
            case FoldItems():
                await self._request(question.request).fold(question.values)
            case AnswerEvents():
                events = self._request(question.request)
                text = await events.answer(question.most)
                return AnswerText(text=text, counts=events.counts, config_version=events.config_version)
            case ScoreRows():
                return await self._score(question)
            case EndEvents():
                self._requests.pop(question.request, None)
            case RowsFound():
                raise ValueError("rows that nobody asked for")
        return QuestionDone()

    def _begun(self, question: BeginEvents) -> InferredEvents:
        return InferredEvents(
            self._pipeline,
            self._pipeline.scorer_with(question.overrides),
            self._decode,
            question.now_ms,
            question.most_events,
            self._look_up if question.onto_stored else nothing_stored,
        )

    async def _score(self, question: ScoreRows) -> AnswerText:
        scorer = self._pipeline.scorer_with(question.overrides)
        asked = zip(question.items, question.students, question.rows, strict=True)
        answered = await score_students(scorer, [StudentRow(*each) for each in asked])
        counts = InferenceCounts(items=len(question.items), updates=answered.updates, errors=answered.errors)
        return AnswerText(text=b"".join(answered.text), counts=counts, config_version=scorer.config_version)

    def _look_up(self, keys: Sequence[bytes]) -> Sequence[FoundRow]:
        """What the worker has stored: asked in the midst of a question."""
        self._send(RowsWanted(list(keys)))
        reply = QUESTIONS.decode(read_frame(self._questions))
        assert isinstance(reply, RowsFound), "a worker answers before it asks again"
        return reply.rows

    def _request(self, number: int) -> InferredEvents:
        if number not in self._requests:
            raise Fatal("the process that held it ended")
        return self._requests[number]

    def _send(self, message: Struct) -> None:
        self._replies.write(frame(message))
        self._replies.flush()


def _degraded(_source: str, _error: BaseException) -> None:
    """The update says which source failed."""
