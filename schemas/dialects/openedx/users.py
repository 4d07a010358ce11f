"""Whose event it is: the user of the request; where none is known, the one that the event is about.

user id, or username ──► its account of xAPI, if the mapping names one ──► as xAPI's students
                    └──► openedx:user_id/3, openedx:username/ada ──► the mapping's rules
"""

from typing import Any, Final

from msgspec import UNSET

from schemas.dialects.openedx.tracked import Tracked
from schemas.dialects.openedx_options import OpenEdxOptions
from schemas.dialects.xapi import statement as s

_SCHEME: Final = "openedx"


def user_of(event: Tracked, options: OpenEdxOptions) -> s.Actor | None:
    """The user as an actor, who is called as Open edX's xAPI calls the user where the mapping says how; else None.

    None for an anonymous user. The id and the name are looked for in the context, in the data and at the top, in that
    order; those of one user are of the same part.
    """
    for part in (event.context, event.data, event.top):
        named = {name: text for name in ("user_id", "username") if (text := _text(part.get(name)))}
        if not named:
            continue
        if part is event.context and "username" not in named and (username := _text(event.top.get("username"))):
            named["username"] = username  # a line of a log has the name of the context's user at its top
        return _actor(named, options)
    return None


def name_of_actor(actor: s.Actor) -> str:
    """What the user of such an actor is called."""
    return actor.account.name if actor.account is not UNSET else actor.openid or ""


def _actor(named: dict[str, str], options: OpenEdxOptions) -> s.Actor:
    for text in named.values():
        if account := options.students.get(text):
            if options.root_url:
                return s.Actor(account=s.Account(home_page=options.root_url, name=account))
            return s.Actor(openid=account)
    by = options.student if options.student in named else next(iter(named))
    return s.Actor(openid=f"{_SCHEME}:{by}/{named[by]}")


def _text(value: Any) -> str:
    """An id, said as a number or a text."""
    return value if isinstance(value, str) else str(value) if type(value) is int else ""
