"""Who a request is from by the word of a proxy: believed from its addresses, with its secret, and else refused.

A header that is there twice is one of a caller's own that the proxy passed on: it is not believed either.
"""

import hmac
from dataclasses import dataclass
from typing import Final, Literal

from aiohttp import web

from agents.config.proxy import ProxyRules
from agents.config.sessions import SignedRole

PROXY_SECRET_HEADER: Final = "Skillstream-Proxy-Secret"


@dataclass(frozen=True, slots=True)
class ProxiedCaller:
    """Whom the proxy has signed in; `user` is empty where it does not name them."""

    roles: frozenset[SignedRole]
    user: str


class TrustedProxy:
    """By the rules; without any, no request is a proxy's."""

    def __init__(self, rules: ProxyRules | None) -> None:
        self._rules = rules

    def caller(self, request: web.Request) -> ProxiedCaller | Literal["untrusted"] | None:
        """Whom the proxy speaks for; None for who comes without its secret, "untrusted" for who has no right to it."""
        rules, secrets = self._rules, request.headers.getall(PROXY_SECRET_HEADER, [])
        if rules is None or not secrets:
            return None
        values, users = request.headers.getall(rules.header, []), request.headers.getall(rules.user_header, [])
        is_known = len(secrets) == 1 and hmac.compare_digest(_bytes(secrets[0]), _bytes(rules.secret))
        if not (is_known and rules.covers(request.remote) and len(values) <= 1 and len(users) <= 1):
            return "untrusted"
        given = [value.strip() for value in values[0].split(",")] if values else []
        roles = frozenset(rules.roles[value] for value in given if value in rules.roles)
        return ProxiedCaller(roles, users[0].strip() if users else "")


def proxy_headers(rules: ProxyRules | None) -> tuple[str, ...]:
    """What a worker passes on to another, which believes it for the same reasons."""
    if rules is None:
        return ()
    return tuple(name for name in (PROXY_SECRET_HEADER, rules.header, rules.user_header) if name)


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")
