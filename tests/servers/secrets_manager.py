"""A stand-in for AWS Secrets Manager: GetSecretValue, in AWS's JSON protocol 1.1, for requests that are signed right.

It also answers as the agent does that has a container's credentials, and as STS does to AssumeRoleWithWebIdentity.
"""

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from tests.servers.loopback_http import Asked, LoopbackHttp

KEY_ID: Final = "AKIASTANDIN000000001"
KEY: Final = "stand-in-key-of-aws-00000000"
SESSION: Final = "stand-in-session-of-aws-00"
CONTAINER_TOKEN: Final = "stand-in-of-the-container"
WEB_IDENTITY: Final = "stand-in-of-a-web-identity"
ROLE: Final = "arn:aws:iam::123456789012:role/stand-in"
_OPERATION: Final = "secretsmanager.GetSecretValue"


class StandInSecretsManager(LoopbackHttp):
    """`secrets` are texts by name; `broken` answers every request with an error of that name and status. A role that is
    taken on ends at `role_ends`.
    """

    def __init__(self) -> None:
        super().__init__(self._respond)
        self.secrets: dict[str, str] = {}
        self.broken: tuple[int, str] | None = None
        self.role_ends = "2099-01-01T00:00:00Z"
        self.roles_taken = 0

    @property
    def environment(self) -> dict[str, str]:
        """How it is found, by who has its key."""
        around = {"AWS_ENDPOINT_URL_SECRETS_MANAGER": self.url, "AWS_REGION": "eu-west-1"}
        return {**around, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": KEY}

    def _respond(self, asked: Asked) -> tuple[int, Mapping[str, Any] | str]:
        if self.broken is not None:
            return self.broken[0], _error(self.broken[1])
        if (asked.method, asked.path) == ("GET", "/container"):
            if asked.headers.get("authorization") != CONTAINER_TOKEN:
                return 401, _error("AccessDenied")
            return 200, {"AccessKeyId": KEY_ID, "SecretAccessKey": KEY, "Token": SESSION, "Expiration": "2099"}
        if asked.path == "/sts/":
            return self._role(asked.body)
        if not _is_signed(asked):
            return 400, _error("com.amazonaws#InvalidSignatureException")
        if asked.headers.get("x-amz-target") != _OPERATION:
            return 400, _error("UnknownOperationException")
        name = str(asked.body["SecretId"])
        if name not in self.secrets:
            return 400, _error("ResourceNotFoundException")
        return 200, {"Name": name, "SecretString": self.secrets[name]}

    def _role(self, form: Mapping[str, str]) -> tuple[int, str]:
        """By AWS's page "AssumeRoleWithWebIdentity"."""
        wanted = {"Action": "AssumeRoleWithWebIdentity", "Version": "2011-06-15", "RoleArn": ROLE}
        if not wanted.items() <= form.items() or not form.get("RoleSessionName"):
            return 400, "<ErrorResponse><Error><Code>ValidationError</Code></Error></ErrorResponse>"
        if form["WebIdentityToken"] != WEB_IDENTITY:
            return 400, "<ErrorResponse><Error><Code>InvalidIdentityToken</Code></Error></ErrorResponse>"
        self.roles_taken += 1
        parts = {"SessionToken": SESSION, "SecretAccessKey": KEY, "Expiration": self.role_ends, "AccessKeyId": KEY_ID}
        inside = "".join(f"<{name}>{value}</{name}>" for name, value in parts.items())
        return (
            200,
            f"<AssumeRoleWithWebIdentityResponse><Credentials>{inside}</Credentials></AssumeRoleWithWebIdentityResponse>",
        )


def as_json(**fields: str) -> str:
    """A secret of several fields."""
    return json.dumps(fields)


def _is_signed(asked: Asked) -> bool:
    """Whether the Authorization header is right, by AWS's page "Create a signed AWS API request"."""
    headers = asked.headers
    claimed = dict(part.strip().split("=", 1) for part in headers["authorization"].partition(" ")[2].split(","))
    names = claimed["SignedHeaders"].split(";")
    if (
        not {"host", "x-amz-date", "x-amz-target"} <= set(names)
        or headers.get("x-amz-security-token", SESSION) != SESSION
    ):
        return False
    body = json.dumps(asked.body).encode()
    lines = [asked.method, asked.path, "", *(f"{name}:{headers[name]}" for name in names), "", ";".join(names)]
    canonical = "\n".join([*lines, sha256(body).hexdigest()])
    key_id, *scope = claimed["Credential"].split("/")
    signed = ["AWS4-HMAC-SHA256", headers["x-amz-date"], "/".join(scope), sha256(canonical.encode()).hexdigest()]
    key = b"AWS4" + KEY.encode()
    for part in scope:
        key = hmac.new(key, part.encode(), sha256).digest()
    right = hmac.new(key, "\n".join(signed).encode(), sha256).hexdigest()
    return (
        key_id == KEY_ID
        and scope[1:] == ["eu-west-1", "secretsmanager", "aws4_request"]
        and claimed["Signature"] == right
    )


def _error(name: str) -> Mapping[str, Any]:
    return {"__type": name, "message": "said by the stand-in"}
