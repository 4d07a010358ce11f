"""One student's explanation, as a worker would make it, with all that leads to it: for people who look into one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import msgspec

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.config.tenants import Tenants
from agents.metrics import Metrics
from agents.operations.newest import newest_value
from agents.reasoning.setup import make_account, make_explainer, make_limiter, make_model, share_of
from schemas.errors import SkillstreamError
from schemas.explanation import Explanation
from schemas.update import SkillUpdate, read_update
from streams.limits import PartitionShare
from streams.limits.memory import monotonic_us
from streams.reasoning.explainer import Explainer
from streams.reasoning.model.reasoning_model import ModelError, ModelKind, ReasoningModel, Reply
from streams.reasoning.request.prompt import Request
from streams.rows.row import Pending
from streams.skills.skill_set import SkillSet


class NoUpdate(SkillstreamError):
    """Something else is where an update should be."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """What the model was asked, and what it answered, or why it did not."""

    request: Request
    reply: Reply | None
    failure: str | None = None


@dataclass(slots=True)
class RecordedModel:
    """Implements ReasoningModel by another one, and keeps what is asked and answered."""

    model: ReasoningModel
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def generator(self) -> ModelKind:
        """See ReasoningModel."""
        return self.model.generator

    @property
    def name(self) -> str:
        """See ReasoningModel."""
        return self.model.name

    async def prepare(self) -> None:
        """See ReasoningModel."""
        await self.model.prepare()

    async def explain(self, request: Request) -> Reply:
        """See ReasoningModel."""
        try:
            reply = await self.model.explain(request)
        except Exception as error:
            known = isinstance(error, ModelError)
            self.exchanges.append(Exchange(request, None, str(error) if known else type(error).__name__))
            raise
        self.exchanges.append(Exchange(request, reply))
        return reply

    async def aclose(self) -> None:
        """See ReasoningModel."""
        await self.model.aclose()


def newest_update(settings: Settings, student: str) -> SkillUpdate | None:
    """What was published last of a student; None if nothing was, or they were erased. Blocks.

    Raises BrokerUnavailable, NoSuchTopic, TopicForbidden; NoUpdate for what this version cannot read.
    """
    topic = Channels.of(settings).updates
    newest = newest_value(settings, topic, student)
    try:
        return None if newest is None else read_update(newest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        said = f"what {topic} says of them last is no update that this version of skillstream reads: {error}"
        raise NoUpdate(said) from error


@asynccontextmanager
async def an_explainer(
    settings: Settings, skill_set: SkillSet, alert: Callable[[str], None]
) -> AsyncIterator[tuple[Explainer, RecordedModel]]:
    """An explainer within the limits and the money that all workers share; without Redis, within its own."""
    share = share_of(settings) if settings.redis_url else PartitionShare.all(monotonic_us)
    tenants = Tenants.of(settings)
    limiter = make_limiter(settings, tenants, Metrics(), share)
    account = make_account(settings, tenants, lambda crossed: None, share)
    model = RecordedModel(make_model(settings))
    try:
        yield make_explainer(settings, tenants, skill_set, model, account, alert, lambda event: None), model
    finally:
        await model.aclose()
        await account.aclose()
        await limiter.aclose()


async def explained(explainer: Explainer, update: SkillUpdate) -> Explanation | None:
    """The explanation of all skills of `update`; nothing is published, and the row notes nothing.

    Raises as `Explainer.explain`.
    """
    explanation, _ = await explainer.explain(update, Pending())
    return explanation
