"""An unchanged picture is not paid twice: the same request, to the byte, gets the answer that it got before.

A request says nothing of who is asked about: no name, no id, no pseudonym. So two students of whom the same is known
share an answer, each with their own evidence behind its aliases.
"""

import msgspec

from streams.reasoning.asking import CheckedAnswer
from streams.reasoning.check.grounding import check_claims
from streams.reasoning.model.reasoning_model import ReasoningModel
from streams.reasoning.request.prompt import Request, render
from streams.reasoning.request.sent import PROMPT_VERSION
from streams.reasoning.shared.answer_cache import AnswerCache, CachedAnswer
from streams.reasoning.shared.keyed_hash import KeyedHash


class Reuse:
    """Answers to requests to `model`, kept in `answers` under names by `keyed_hash`."""

    def __init__(self, model: ReasoningModel, answers: AnswerCache, keyed_hash: KeyedHash) -> None:
        self._model = model
        self._answers = answers
        self._keyed_hash = keyed_hash

    async def find(self, request: Request) -> CheckedAnswer | None:
        """The kept answer to `request`, if all of it passes the check as it is now. Never raises."""
        cached = await self._answers.find(self._fingerprint(request))
        if cached is None:
            return None
        checked = check_claims(request, cached.draft)
        if not cached.draft.skills or checked.draft != cached.draft:
            return None
        return CheckedAnswer(checked.draft, cached.model, unanswered=checked.unanswered)

    async def keep(self, request: Request, answer: CheckedAnswer) -> None:
        """Keep what passed the check. Never raises."""
        await self._answers.keep(self._fingerprint(request), CachedAnswer(model=answer.model, draft=answer.draft))

    def _fingerprint(self, request: Request) -> str:
        """Of all that is sent, and of whom it is sent to."""
        sent = msgspec.json.encode(render(request))
        return self._keyed_hash(
            self._model.generator.encode(), self._model.name.encode(), PROMPT_VERSION.encode(), sent
        )
