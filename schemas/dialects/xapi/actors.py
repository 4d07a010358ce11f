"""Students of an actor: an Agent is one, a Group those of its members."""

from collections.abc import Iterable

from msgspec import UNSET

from schemas.dialects.students import StudentKeys
from schemas.dialects.xapi.statement import Actor


def students(actor: Actor, keys: StudentKeys) -> Iterable[str]:
    """Keys of all that acted, each once; of a group known by its name alone, nobody's."""
    if actor.object_type == "Agent":
        return (_key(actor, keys),)
    return dict.fromkeys(_key(member, keys) for member in actor.member or ())


def _key(agent: Actor, keys: StudentKeys) -> str:
    """A valid Agent's key."""
    if agent.account is not UNSET:
        return keys.of_account(agent.account.home_page, agent.account.name)
    if agent.mbox is not UNSET:
        return keys.of_mbox(agent.mbox)
    if agent.mbox_sha1sum is not UNSET:
        return keys.of_mbox_sha1sum(agent.mbox_sha1sum)
    return keys.of(agent.openid or "")
