"""Rules for actors: who is identified, and by what (Data 2.4.2, 2.4.9).

Every function takes a part whose types are right and raises Broken, with the path from that part on.
"""

from msgspec import UNSET

from schemas.dialects.xapi import statement as s
from schemas.dialects.xapi.broken import BrokenStatement, each
from schemas.dialects.xapi.formats import is_mailbox, is_sha1
from schemas.dialects.xapi.values import iri


def agent(actor: s.Actor) -> None:
    if actor.object_type != "Agent":
        raise BrokenStatement("XAPI-00036", "an Agent, not a Group", ".objectType")
    if actor.member is not UNSET:
        raise BrokenStatement("XAPI-00035", "an Agent has no members", ".member")
    if _identified(actor) != 1:
        raise BrokenStatement("XAPI-00034", "exactly one of mbox, mbox_sha1sum, openid and account identifies an Agent")


def group(actor: s.Actor) -> None:
    if actor.object_type != "Group":
        raise BrokenStatement("XAPI-00088", "a Group, not an Agent", ".objectType")
    identifiers = _identified(actor)
    if identifiers > 1 or (identifiers == 0 and not actor.member):
        raise BrokenStatement("XAPI-00037", "a Group has one identifier, or members")
    if actor.member:
        each(agent, actor.member, ".member")


def actor(actor: s.Actor) -> None:
    if actor.object_type == "Group":
        group(actor)
    else:
        agent(actor)


def authority(actor: s.Actor) -> None:
    if actor.object_type == "Agent":
        agent(actor)
    elif _identified(actor) or actor.member is UNSET or len(actor.member) != 2:
        raise BrokenStatement("XAPI-00098", "a Group as authority is anonymous and has two members")
    else:
        each(agent, actor.member, ".member")


def _identified(actor: s.Actor) -> int:
    """How many identifiers it has, all of their form."""
    found = 0
    if actor.account is not UNSET:
        found += 1
        iri(actor.account.home_page, "XAPI-00042", ".account.homePage")
    if actor.mbox is not UNSET:
        found += 1
        if not is_mailbox(actor.mbox):
            raise BrokenStatement("XAPI-00038", "not mailto: and an address", ".mbox")
    if actor.mbox_sha1sum is not UNSET:
        found += 1
        if not is_sha1(actor.mbox_sha1sum):
            raise BrokenStatement("XAPI-00039", "not a SHA-1 in hexadecimal", ".mbox_sha1sum")
    if actor.openid is not UNSET:
        found += 1
        iri(actor.openid, "XAPI-00040", ".openid")
    return found
