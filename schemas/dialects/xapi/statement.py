"""An xAPI statement's parts, as the standard's tables have them (1.0.3 Data 2.4; 2.0 adds to the context).

Types, enumerations and required properties are said here; what a type cannot say is in `rules`.
"""

from typing import Annotated, Any, Literal, TypeAlias

from msgspec import UNSET, Meta, Struct, UnsetType, field

LanguageMap: TypeAlias = dict[str, str]
Extensions: TypeAlias = dict[str, Any]
InteractionType: TypeAlias = Literal[
    "true-false", "choice", "fill-in", "long-fill-in", "matching",
    "performance", "sequencing", "likert", "numeric", "other",
]  # fmt: skip


class StrictObject(Struct, frozen=True, kw_only=True, gc=False, forbid_unknown_fields=True, rename="camel"):
    """A JSON object that has no other properties than these, and no nulls."""


class Account(StrictObject, frozen=True, kw_only=True, gc=False):
    home_page: str
    name: Annotated[str, Meta(min_length=1)]


class Actor(StrictObject, frozen=True, kw_only=True, gc=False):
    """An Agent, or a Group."""

    object_type: Literal["Agent", "Group"] = "Agent"
    name: str | UnsetType = UNSET
    mbox: str | UnsetType = UNSET
    mbox_sha1sum: str | UnsetType = field(default=UNSET, name="mbox_sha1sum")
    openid: str | UnsetType = UNSET
    account: Account | UnsetType = UNSET
    member: list["Actor"] | UnsetType = UNSET


class Verb(StrictObject, frozen=True, kw_only=True, gc=False):
    id: str
    display: LanguageMap | UnsetType = UNSET


class Component(StrictObject, frozen=True, kw_only=True, gc=False):
    """One of the choices, steps … of an interaction."""

    id: str
    description: LanguageMap | UnsetType = UNSET


class Definition(StrictObject, frozen=True, kw_only=True, gc=False):
    name: LanguageMap | UnsetType = UNSET
    description: LanguageMap | UnsetType = UNSET
    type: str | UnsetType = UNSET
    more_info: str | UnsetType = UNSET
    extensions: Extensions | UnsetType = UNSET
    interaction_type: InteractionType | UnsetType = UNSET
    correct_responses_pattern: list[str] | UnsetType = UNSET
    choices: list[Component] | UnsetType = UNSET
    scale: list[Component] | UnsetType = UNSET
    source: list[Component] | UnsetType = UNSET
    target: list[Component] | UnsetType = UNSET
    steps: list[Component] | UnsetType = UNSET


class Activity(StrictObject, frozen=True, kw_only=True, gc=False):
    object_type: Literal["Activity"] = "Activity"
    id: str
    definition: Definition | UnsetType = UNSET


class StatementRef(StrictObject, frozen=True, kw_only=True, gc=False):
    object_type: Literal["StatementRef"]
    id: str


class Score(StrictObject, frozen=True, kw_only=True, gc=False):
    scaled: Annotated[float, Meta(ge=-1, le=1)] | UnsetType = UNSET
    raw: float | UnsetType = UNSET
    min: float | UnsetType = UNSET
    max: float | UnsetType = UNSET


class Result(StrictObject, frozen=True, kw_only=True, gc=False):
    score: Score | UnsetType = UNSET
    success: bool | UnsetType = UNSET
    completion: bool | UnsetType = UNSET
    response: str | UnsetType = UNSET
    duration: str | UnsetType = UNSET
    extensions: Extensions | UnsetType = UNSET


Activities: TypeAlias = Activity | list[Activity] | UnsetType


class ContextActivities(StrictObject, frozen=True, kw_only=True, gc=False):
    parent: Activities = UNSET
    grouping: Activities = UNSET
    category: Activities = UNSET
    other: Activities = UNSET


class ContextAgent(StrictObject, frozen=True, kw_only=True, gc=False):
    object_type: Literal["contextAgent"]
    agent: Actor
    relevant_types: Annotated[list[str], Meta(min_length=1)] | UnsetType = UNSET


class ContextGroup(StrictObject, frozen=True, kw_only=True, gc=False):
    object_type: Literal["contextGroup"]
    group: Actor
    relevant_types: Annotated[list[str], Meta(min_length=1)] | UnsetType = UNSET


class Context(StrictObject, frozen=True, kw_only=True, gc=False):
    registration: str | UnsetType = UNSET
    instructor: Actor | UnsetType = UNSET
    team: Actor | UnsetType = UNSET
    context_activities: ContextActivities | UnsetType = UNSET
    context_agents: list[ContextAgent] | UnsetType = UNSET
    context_groups: list[ContextGroup] | UnsetType = UNSET
    revision: str | UnsetType = UNSET
    platform: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    statement: StatementRef | UnsetType = UNSET
    extensions: Extensions | UnsetType = UNSET


class Attachment(StrictObject, frozen=True, kw_only=True, gc=False):
    usage_type: str
    display: LanguageMap
    description: LanguageMap | UnsetType = UNSET
    content_type: str
    length: Annotated[int, Meta(ge=0)]
    sha2: str
    file_url: str | UnsetType = UNSET


class StatementBase(StrictObject, frozen=True, kw_only=True, gc=False):
    """What a Statement and a SubStatement have in common. `object` is read by its objectType."""

    actor: Actor
    verb: Verb
    object: Any
    result: Result | UnsetType = UNSET
    context: Context | UnsetType = UNSET
    timestamp: str | UnsetType = UNSET
    attachments: list[Attachment] | UnsetType = UNSET


class SubStatement(StatementBase, frozen=True, kw_only=True, gc=False):
    """What is talked about, not what happened."""

    object_type: Literal["SubStatement"]


class Statement(StatementBase, frozen=True, kw_only=True, gc=False):
    id: str | UnsetType = UNSET
    stored: str | UnsetType = UNSET
    authority: Actor | UnsetType = UNSET
    version: str | UnsetType = UNSET


class StatementOfActivity(Statement, frozen=True, kw_only=True, gc=False):
    """As most statements are, so that their bytes are decoded in one step."""

    object: Activity


Object: TypeAlias = Activity | Actor | StatementRef | SubStatement
