"""Roles by the word of a proxy: from its addresses, with its secret, and not otherwise."""

import asyncio
from typing import Any, Final
from urllib.parse import urlsplit

import pytest
from aiohttp import web

from agents.config.proxy import ProxyRules, proxy_rules
from agents.config.settings import SettingsError, load_settings
from agents.web import RoleTokens
from agents.web.pages import Page, json_answer
from tests.agents.proxied import FROM_ELSEWHERE, RULES, SECRET, TEACHER, proxied
from tests.agents.situation import Situation, seen, served
from tests.agents.student_pages import Students, start
from tests.agents.worker_group import members

__all__ = ["seen"]
TOKENS: Final = RoleTokens("an operator's own token", "a reader's own token, 2", "of scoring on demand")
Headers = tuple[tuple[str, str], ...]


async def said(_request: web.Request) -> web.Response:
    return json_answer({"said": True})


PAGES: Final = [Page("/students/{id}", said, role="reader"), Page("/inference", said, "GET", role="inference")]


async def statuses(
    situation: Situation, headers: Headers, rules: ProxyRules | None = RULES, tokens: RoleTokens = TOKENS
) -> dict[str, int]:
    found = {}
    async with served(situation, tokens=tokens, pages=PAGES, proxy=rules) as session:
        for role, path in (("operator", "/metrics"), ("reader", "/students/ada"), ("inference", "/inference")):
            found[role] = await status_of(str(session._base_url), path, headers)  # noqa: SLF001
    return found


async def status_of(url: str, path: str, headers: Headers) -> int:
    """The status of a request with just these headers, in their order and case: a client may put some together."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    given = "".join(f"{name}: {value}\r\n" for name, value in (("Host", "localhost"), *headers))
    writer.write(f"GET {path} HTTP/1.1\r\n{given}Connection: close\r\n\r\n".encode())
    said = await reader.read()
    writer.close()
    return int(said.split(b" ", 2)[1])


def but(status: int, **other: int) -> dict[str, int]:
    return dict.fromkeys(("operator", "reader", "inference"), status) | other


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (proxied("teachers"), but(403, reader=200)),
        (proxied("guests, operations"), but(403, operator=200)),
        (proxied("teachers,operations"), but(200, inference=403)),
        (proxied("guests"), but(403)),
        (proxied("reader, operator, inference"), but(403)),
        (proxied("Teachers"), but(403)),
        (proxied(""), but(403)),
        ((("Skillstream-Proxy-Secret", SECRET),), but(403)),
        ((*proxied("guests"), ("Authorization", f"Bearer {TOKENS.reader}")), but(403, reader=200)),
    ],
)
async def test_the_proxy_s_word_opens_the_pages_of_a_role_and_no_others(
    seen: Situation, headers: Headers, expected: dict[str, int]
) -> None:
    assert await statuses(seen, headers) == expected


@pytest.mark.parametrize(
    "headers",
    [
        proxied("teachers", secret="another secret of somebody's"),
        proxied("teachers", secret=""),
        proxied("teachers", secret=f"{SECRET} "[:-2]),
        (*proxied("teachers"), ("Skillstream-Proxy-Secret", SECRET)),
        (*proxied("guests"), ("X-Groups", "teachers")),
        (*proxied("guests"), ("x-groups", "teachers")),
        (*proxied("teachers"), ("X-User", "somebody.else")),
    ],
    ids=["another secret", "no secret", "a cut secret", "two secrets", "a second header", "in lower case", "two users"],
)
async def test_what_a_caller_adds_or_guesses_opens_nothing(seen: Situation, headers: Headers) -> None:
    assert await statuses(seen, headers) == but(403)
    assert seen.metrics.web_refused.values()["proxy"] == 3


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Real-IP", "Forwarded"])
async def test_who_is_not_at_the_proxy_s_address_is_not_the_proxy_whatever_headers_say(
    seen: Situation, name: str
) -> None:
    headers = (*proxied("teachers"), (name, "for=192.0.2.7" if name == "Forwarded" else "192.0.2.7"))

    assert await statuses(seen, headers, FROM_ELSEWHERE) == but(403)


async def test_without_the_secret_the_headers_are_as_if_they_were_not_there(seen: Situation) -> None:
    assert await statuses(seen, (("X-Groups", "teachers, operations"),)) == but(401)


async def test_it_is_off_unless_it_is_set(seen: Situation) -> None:
    assert await statuses(seen, proxied("teachers"), rules=None) == but(401)


async def test_a_proxy_s_readers_need_no_token_to_be_set(seen: Situation) -> None:
    tokens = RoleTokens(TOKENS.operator)

    assert await statuses(seen, proxied("teachers"), tokens=tokens) == but(403, reader=200)


async def test_another_worker_believes_what_the_one_that_was_asked_did_and_records_the_person() -> None:
    async with members() as group:
        of_a, of_b = Students(), Students()
        a = await start(group, "a", of_a, 0, 1, proxy=RULES)
        await start(group, "b", of_b, 2, 3, proxy=RULES)
        await of_b.fold("s2")
        status, answer = await a.get("students/s2", **dict(proxied("teachers")))
        refused, _ = await a.get("students/s2", **dict(proxied("guests")))

    assert (status, answer["student_id"], refused) == (200, "s2", 403)
    [record] = await of_b.audit.acts()
    assert (record.who.role, record.who.fingerprint) == ("reader", of_b.audit.keyring.pseudonym(TEACHER))


GIVEN: Final[dict[str, Any]] = {
    "SKILLSTREAM_PROXY_ROLES": "X-Groups: teachers=reader, a=b=operator",
    "SKILLSTREAM_PROXY_ADDRESSES": "192.0.2.7, 2001:db8::/64",
    "SKILLSTREAM_PROXY_SECRET": SECRET,
    "SKILLSTREAM_WEB_TOKEN": TOKENS.operator,
    "SKILLSTREAM_PROXY_USER_HEADER": "X-User",
}


def test_rules_are_read_as_they_are_set() -> None:
    rules = proxy_rules(load_settings(GIVEN))

    assert rules is not None
    assert (rules.header, rules.user_header) == ("X-Groups", "X-User")
    assert rules.roles == {"teachers": "reader", "a=b": "operator"}
    covered = ("192.0.2.7", "::ffff:192.0.2.7", "2001:db8::1%eth0", "192.0.2.8", "2001:db8:1::1", "", None, "proxy")
    assert list(map(rules.covers, covered)) == [True, True, True, *[False] * 5]
    assert SECRET not in repr(rules)
    assert SECRET not in repr(load_settings(GIVEN))
    assert proxy_rules(load_settings({})) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"PROXY_ROLES": ""}, "SKILLSTREAM_PROXY_ROLES is not set"),
        ({"PROXY_ADDRESSES": ""}, "SKILLSTREAM_PROXY_ADDRESSES is not set"),
        ({"PROXY_SECRET": ""}, "SKILLSTREAM_PROXY_SECRET is not set"),
        ({"WEB_TOKEN": ""}, "SKILLSTREAM_WEB_TOKEN is not set"),
        ({"PROXY_SECRET": "short"}, "16 or more"),
        ({"PROXY_ADDRESSES": "proxy.example"}, "no address"),
        ({"PROXY_ADDRESSES": "0.0.0.0/0"}, "is everybody"),
        ({"PROXY_ADDRESSES": "192.0.2.7/24"}, "no address"),
        ({"PROXY_ROLES": "X-Groups"}, "is not HEADER: VALUE=ROLE"),
        ({"PROXY_ROLES": "X-Groups: teachers"}, "is not HEADER: VALUE=ROLE"),
        ({"PROXY_ROLES": "X-Groups: =reader"}, "is not HEADER: VALUE=ROLE"),
        ({"PROXY_ROLES": "X-Groups: programs=inference"}, "is not HEADER: VALUE=ROLE"),
        ({"PROXY_ROLES": "X-Groups: a=reader, a=operator"}, "each value once"),
        ({"PROXY_ROLES": "X Groups: a=reader"}, "no name of a header"),
        ({"PROXY_ROLES": "Authorization: a=reader"}, "no name of a header"),
        ({"PROXY_USER_HEADER": "Cookie"}, "no name of a header"),
    ],
)
def test_half_of_a_proxy_is_refused_with_what_is_missing(changed: dict[str, str], said: str) -> None:
    environment = GIVEN | {f"SKILLSTREAM_{name}": value for name, value in changed.items()}

    with pytest.raises(SettingsError, match=said) as refused:
        proxy_rules(load_settings(environment))
    assert SECRET not in str(refused.value)
