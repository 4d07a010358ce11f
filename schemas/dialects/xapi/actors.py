"""Students of an actor: an Agent is one, a Group those of its members; and whose work was judged."""

from collections.abc import Iterable

import msgspec
from msgspec import UNSET

from schemas.dialects.students import StudentKeys
from schemas.dialects.xapi.broken import BrokenStatement
from schemas.dialects.xapi.extensions import FOR
from schemas.dialects.xapi.identity import actor
from schemas.dialects.xapi.statement import Actor, Statement


def acting_students(acting: Actor, keys: StudentKeys) -> Iterable[str]:
    """Keys of all that acted, each once; of a group known by its name alone, nobody's."""
    if acting.object_type == "Agent":
        return (_key(acting, keys),)
    return dict.fromkeys(_key(member, keys) for member in acting.member or ())


def assessed_students(statement: Statement, keys: StudentKeys) -> Iterable[str]:
    """Keys of whom a statement that judges work is for; where it names nobody, of its actor.

    A name that is none is nobody's: its actor judged, and did not do the work.
    """
    context = statement.context
    named = None if context is UNSET or context.extensions is UNSET else context.extensions.get(FOR)
    if named is None:
        return acting_students(statement.actor, keys)
    try:
        learner = msgspec.convert(named, Actor)
        actor(learner)
    except (BrokenStatement, msgspec.ValidationError):
        return ()
    return acting_students(learner, keys)


def _key(agent: Actor, keys: StudentKeys) -> str:
    """A valid Agent's key."""
    if agent.account is not UNSET:
        return keys.of_account(agent.account.home_page, agent.account.name)
    if agent.mbox is not UNSET:
        return keys.of_mbox(agent.mbox)
    if agent.mbox_sha1sum is not UNSET:
        return keys.of_mbox_sha1sum(agent.mbox_sha1sum)
    return keys.of(agent.openid or "")
