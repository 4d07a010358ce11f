"""`skill-reasoning`: explanations; and `reasoning-results`: what became of each try, read back by the table's agent."""

from typing import Annotated, Final, Literal, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from schemas.bounds import MAX_SKILLS, MAX_UINT32, Microseconds, Position, Tries
from schemas.event import Identifier
from schemas.upcasting import EXPLANATION_UPCASTERS, read_message
from schemas.update import Kind, UnitInterval

EXPLANATION_VERSION: Final = 2
ExplainedScores: TypeAlias = Annotated[
    dict[Annotated[str, Meta(max_length=64)], UnitInterval], Meta(max_length=MAX_SKILLS)
]
CountsOfFacts: TypeAlias = Annotated[
    dict[
        Annotated[str, Meta(max_length=64)],
        Annotated[dict[str, tuple[Annotated[int, Meta(ge=0, le=MAX_UINT32)], float]], Meta(max_length=64)],
    ],
    Meta(max_length=MAX_SKILLS),
]


class Claim(Struct, frozen=True, kw_only=True):
    """A sentence and what it rests on: evidence items as `<skill>.<place>`, from 1, indicators as `<skill>.<name>`, and
    what an indicator counted since the skill was last explained as `<skill>.<name>.since`.
    """

    text: str
    evidence: list[str]


class CitedFact(Struct, frozen=True, kw_only=True):
    """A fact that a claim rests on, in words, as it was then; `time` is that of an evidence item, `task` what is called
    the task that it is of, in one line.
    """

    id: str
    text: str
    time: str | UnsetType = UNSET
    task: str | UnsetType = UNSET


class SkillExplanation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why one skill's score is what it is; of a profile, which has no score and no confidence, what was done.

    `facts` are those that the claims cite, so that an explanation can be read by itself: updates are replaced.
    `generator` is that of the claims where it is not the explanation's: a template told what the model did not.
    No model writes what follows. `conflict` says where the skill's sources, facts or indicators point both ways;
    `certainty` what it all rests on, and how sure it is; `suggestion` is one thing that a teacher may try, from the
    skills file.
    """

    skill: str
    kind: Kind
    score: float | UnsetType = UNSET
    confidence: float | UnsetType = UNSET
    validated: bool
    claims: list[Claim]
    facts: list[CitedFact] = []
    generator: Literal["template"] | UnsetType = UNSET
    conflict: str | UnsetType = UNSET
    certainty: str | UnsetType = UNSET
    suggestion: str | UnsetType = UNSET


class CallUsage(Struct, frozen=True, kw_only=True):
    """What the calls for one explanation came to: those of the try that gave it, one or two.

    `cached_tokens` are a part of the input, `reasoning_tokens` of the output. `estimated`: the provider did not say
    what a call used; its cost is then the most that it can be, and no tokens are counted. `cost_usd` is null where no
    price is known. `model` is the one that answered, `request_id` what the provider calls the last request.
    """

    model: str
    prompt_version: str
    request_id: str | None
    calls: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int
    reasoning_tokens: int
    cost_usd: float | None
    estimated: bool


class Explanation(Struct, frozen=True, kw_only=True):
    """An explanation of the update (`student_id`, `seq`). `generator` says who wrote it.

    `reason` says why it is a template: `nothing_to_ask` (no evidence that can be told), `rejected` (the model's answers
    failed the check), `refused`, `too_large` (for the limits), `gave_up` (the last of several failed calls), `spent` (a
    limit of money), `language` (a model is asked in English alone). `language` is absent where it is English. `usage`
    is null where no model was asked; `reused`, true if there, says that the model's answer to a request that was the
    same to the byte was kept.
    """

    version: Literal[2]
    student_id: str
    seq: Position
    as_of: str
    generated_at: str
    generator: Literal["model", "template", "scripted"]
    model: str
    reason: str | None = None
    language: Literal["es", "de", "fr"] | UnsetType = UNSET
    summary: str
    skills: list[SkillExplanation]
    usage: CallUsage | None = None
    reused: bool | UnsetType = UNSET


class ReasoningResult(Struct, frozen=True, kw_only=True):
    """What became of one try to explain (`student_id`, `seq`). Times in µs; idempotent to apply.

    `explained` holds what the row notes of each skill that was explained (`streams.scoring.noted`), at `seq`, whatever
    the student has done since: of a score, that score. `counts` are, by skill and fact, how many there were as of
    `as_of_us`, and the sum of their values; results of former versions have none.
    """

    version: Literal[1]
    student_id: Identifier
    seq: Position
    outcome: Literal["explained", "failed"]
    attempts: Tries
    at_us: Microseconds
    not_before_us: Microseconds = 0
    explained: ExplainedScores | None = None
    as_of_us: Microseconds = 0
    counts: CountsOfFacts | None = None


_EXPLANATIONS: Final = msgspec.json.Decoder(Explanation)


def read_explanation(value: bytes) -> Explanation:
    """The explanation in a record's value, of this version or a former one.

    Raises msgspec.MsgspecError, or UnicodeDecodeError, for what is none.
    """
    return read_message(value, _EXPLANATIONS, EXPLANATION_UPCASTERS)
