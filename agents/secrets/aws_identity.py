"""Who asks AWS: a key in variables, a web identity that takes on a role (IRSA), or what a container is given.

In that order, as AWS's own clients have it. The variables are AWS's: AWS_ACCESS_KEY_ID with AWS_SECRET_ACCESS_KEY (and
AWS_SESSION_TOKEN); AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN (and AWS_ROLE_SESSION_NAME), as pods of EKS have them;
AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI with AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or _TOKEN, as pods with
EKS Pod Identity and tasks of ECS have them. Profiles and a machine's own role are not read.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlencode

from agents.secrets.aws_signature import AwsCredentials
from agents.secrets.errors import SecretUnusable
from agents.secrets.files import read_secret_file
from agents.secrets.http import SecretServer

_TASKS: Final = "http://169.254.170.2"
_VERSION: Final = "2011-06-15"
_RENEWED_BEFORE: Final = timedelta(minutes=5)
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}
_NOBODY: Final = (
    "a secret is kept in AWS Secrets Manager: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where "
    "AWS_WEB_IDENTITY_TOKEN_FILE (IRSA) or AWS_CONTAINER_CREDENTIALS_FULL_URI (EKS Pod Identity, ECS) is set"
)


class AwsIdentity:
    """Of one process. `sts_url` is where roles are taken on."""

    def __init__(self, environment: Mapping[str, str], sts_url: str, now: Callable[[], datetime]) -> None:
        self._environment, self._sts_url, self._now = environment, sts_url, now
        self._taken_on: tuple[datetime, AwsCredentials] | None = None

    def credentials(self) -> AwsCredentials:
        """For the next request. Blocks. Raises SecretUnusable, SecretsUnavailable."""
        given = self._environment
        key_id, key = given.get("AWS_ACCESS_KEY_ID", "").strip(), given.get("AWS_SECRET_ACCESS_KEY", "").strip()
        if key_id and key:
            return AwsCredentials(key_id, key, given.get("AWS_SESSION_TOKEN", "").strip())
        if file := given.get("AWS_WEB_IDENTITY_TOKEN_FILE"):
            return self._of_role(file)
        path = given.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        if url := f"{_TASKS}{path}" if path else given.get("AWS_CONTAINER_CREDENTIALS_FULL_URI"):
            return self._of_container(url)
        raise SecretUnusable(_NOBODY)

    def _of_role(self, token_file: str) -> AwsCredentials:
        """Taken on again some minutes before it ends; the platform renews the token in its file."""
        if self._taken_on is None or self._now() >= self._taken_on[0] - _RENEWED_BEFORE:
            self._taken_on = self._take_on(token_file)
        return self._taken_on[1]

    def _take_on(self, token_file: str) -> tuple[datetime, AwsCredentials]:
        """AssumeRoleWithWebIdentity of STS, which is not signed and answers in XML; and when it ends."""
        given = self._environment
        role = given.get("AWS_ROLE_ARN", "").strip()
        if not role:
            raise SecretUnusable("AWS_WEB_IDENTITY_TOKEN_FILE is set: set AWS_ROLE_ARN too")
        form = {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": _VERSION,
            "RoleArn": role,
            "RoleSessionName": given.get("AWS_ROLE_SESSION_NAME") or "skillstream",
            "WebIdentityToken": read_secret_file("AWS_WEB_IDENTITY_TOKEN_FILE", token_file),
        }
        status, said = SecretServer("AWS STS").ask_text("POST", self._sts_url, _FORM, urlencode(form).encode())
        answer = said.decode("utf-8", "replace")
        found = [_element(answer, name) for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")]
        if status != 200 or not all(found):
            code = _element(answer, "Code") or f"status {status}"
            raise SecretUnusable(f"AWS does not give out the role of AWS_ROLE_ARN: {code}")
        return self._end(_element(answer, "Expiration")), AwsCredentials(*found)

    def _end(self, said: str) -> datetime:
        """Now, for what cannot be read: then it is taken on for each request."""
        try:
            end = datetime.fromisoformat(said)
        except ValueError:
            return self._now()
        return end if end.tzinfo is not None else end.replace(tzinfo=UTC)

    def _of_container(self, url: str) -> AwsCredentials:
        """Asked for each request: whoever gives them out renews them."""
        given = self._environment
        token = given.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "").strip()
        if file := given.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            token = read_secret_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file)
        headers = {"authorization": token} if token else {}
        status, answer = SecretServer("what has this container's credentials of AWS").ask("GET", url, headers)
        found = [answer.get(part) for part in ("AccessKeyId", "SecretAccessKey", "Token")]
        if status != 200 or not all(isinstance(part, str) and part for part in found):
            raise SecretUnusable(f"this container is given no credentials of AWS (status {status})")
        return AwsCredentials(*map(str, found))


def _element(xml: str, name: str) -> str:
    """The text of the first element of that name; empty where there is none. Keys and tokens have no entities."""
    found = re.search(rf"<{name}>([^<&]*)</{name}>", xml)
    return found[1].strip() if found else ""
