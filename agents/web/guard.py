"""Answers to who may not see a page: by the role that the page asks for."""

import math
from collections.abc import Callable

from aiohttp import web

from agents.config.tenants import Tenant
from agents.metrics.declared.pages import WebRefusal
from agents.web.access import CALLER, CHALLENGE, Caller, PageAccess, Role, given_token
from agents.web.attempts import FailedAttempts
from agents.web.pages import json_answer
from agents.web.proxied import TrustedProxy
from agents.web.sign_in_form import sign_in_form
from agents.web.students import asked_student
from schemas.contract.openapi import TOKEN_SETTINGS

_WHO: dict[Role, str] = {"operator": "operators", "reader": "readers of students' pages", "inference": "inference"}


class Guard:
    """Of one worker. `refused` hears of each refusal, `tenant_asked` of each request with a tenant's token: whose, and
    `admitted` or `refused`.
    """

    def __init__(
        self,
        access: PageAccess,
        attempts: FailedAttempts,
        refused: Callable[[WebRefusal], object],
        proxy: TrustedProxy,
        tenant_asked: Callable[[str, str], object],
    ) -> None:
        self._tenant_asked = tenant_asked
        self._access, self._attempts, self._refused, self._proxy = access, attempts, refused, proxy

    def refusal(self, request: web.Request, role: Role) -> web.Response | None:
        """What to answer instead of the page; None for who may see it."""
        if role == "open":
            return None
        proxied = self._proxy.caller(request)
        if proxied == "untrusted":
            self._refused("proxy")
            return json_answer({"error": "a proxy's headers, and not from the proxy that is trusted"}, 403)
        if proxied is not None and role in proxied.roles:
            request[CALLER] = Caller(role, proxied.user)
            return None
        authorization = request.headers.get("Authorization", "")
        if authorization and (wait_s := self._attempts.wait_s(request.remote)) > 0:
            return self.later(wait_s)
        given = given_token(authorization)
        if role == "reader" and given and (tenant := self._access.tokens.tenant_of(given)) is not None:
            return self._refusal_of_tenant(request, given, tenant)
        found = self._access.access(role, authorization, request.cookies)
        if found == "admitted":
            request[CALLER] = Caller(role, getattr(self._access.tokens, role))
            return None
        if proxied is not None:
            self._refused("role")
            return json_answer({"error": f"the proxy does not say that you are one of {_WHO[role]}"}, 403)
        if found == "closed":
            self._refused("role")
            return json_answer({"error": f"open to nobody: {TOKEN_SETTINGS[role]} is not set"}, 403)
        if found == "of another role":
            self._refused("role")
            return json_answer({"error": f"this is not the token for {_WHO[role]}"}, 403)
        self._refused("token")
        if found == "wrong":
            self._attempts.note(request.remote)
        if authorization or role == "inference" or "text/html" not in request.headers.get("Accept", ""):
            return json_answer({"error": "a token is needed"}, 401, {"WWW-Authenticate": CHALLENGE})
        return sign_in_form(request.path_qs, role, status=401)

    def _refusal_of_tenant(self, request: web.Request, token: str, tenant: Tenant) -> web.Response | None:
        """The same for a student who is known and for one who is not; and for a page that is about no student."""
        student = asked_student(request)
        if student is None or not student.startswith(tenant.students):
            self._refused("role")
            self._tenant_asked(tenant.name, "refused")
            return json_answer({"error": "this token is for students of its tenant"}, 403)
        self._tenant_asked(tenant.name, "admitted")
        request[CALLER] = Caller("reader", token)
        return None

    def later(self, wait_s: float) -> web.Response:
        """To who failed too often."""
        self._refused("attempts")
        said = {"error": "too many wrong tokens from this address"}
        return json_answer(said, 429, {"Retry-After": str(math.ceil(wait_s))})
