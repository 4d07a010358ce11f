"""A proxy that signs people in, as the pages see it, and who would like to be one."""

from ipaddress import ip_network
from typing import Final

from agents.config.proxy import ProxyRules
from agents.web.proxied import PROXY_SECRET_HEADER

SECRET: Final = "what only the proxy knows"
TEACHER: Final = "t.ada@school.example"
RULES: Final = ProxyRules(
    "X-Groups",
    {"teachers": "reader", "operations": "operator"},
    (ip_network("127.0.0.0/8"),),
    SECRET,
    "X-User",
)
FROM_ELSEWHERE: Final = ProxyRules(RULES.header, RULES.roles, (ip_network("192.0.2.7"),), SECRET, "X-User")


def proxied(groups: str, secret: str = SECRET) -> tuple[tuple[str, str], ...]:
    """The headers that it sends."""
    return ((PROXY_SECRET_HEADER, secret), ("X-Groups", groups), ("X-User", TEACHER))
