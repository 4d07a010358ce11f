"""AWS Secrets Manager, over its HTTP API.

    aws-sm:NAME_OR_ARN           the whole secret
    aws-sm:NAME_OR_ARN#FIELD     a field of a secret that is a JSON object

The variables are AWS's own: AWS_REGION, AWS_ENDPOINT_URL_SECRETS_MANAGER; and for who asks AWS_ACCESS_KEY_ID with
AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN), or AWS_CONTAINER_CREDENTIALS_FULL_URI or _RELATIVE_URI with
AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or _TOKEN, as pods of EKS (Pod Identity) and tasks of ECS have them. Profiles, a
machine's own role and web identities are not read.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from agents.secrets.aws_signature import AwsCredentials, SignedFor
from agents.secrets.errors import SecretsUnavailable, SecretUnusable
from agents.secrets.files import read_secret_file
from agents.secrets.http import JsonServer

_OPERATION: Final = "secretsmanager.GetSecretValue"
_TASKS: Final = "http://169.254.170.2"
_MAY_PASS: Final = frozenset({"InternalServiceError", "ThrottlingException"})
_NOBODY: Final = (
    "a secret is kept in AWS Secrets Manager: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run where "
    "AWS_CONTAINER_CREDENTIALS_FULL_URI is set (EKS Pod Identity, ECS)"
)


class SecretsManager:
    """Of one process. Raises SecretUnusable where the environment does not say which region's."""

    def __init__(self, environment: Mapping[str, str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._environment, self._now = environment, now
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        if not region:
            raise SecretUnusable("a secret is kept in AWS Secrets Manager: set AWS_REGION")
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        given = environment.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or environment.get("AWS_ENDPOINT_URL")
        self._url = f"{(given or f'https://secretsmanager.{region}.{domain}').rstrip('/')}/"
        self._signed_for = SignedFor(region, "secretsmanager")
        self._server = JsonServer("AWS Secrets Manager")

    def document(self, name: str) -> Mapping[str, Any]:
        """The fields of a secret that is a JSON object, and its text under the empty name. Blocks.

        Raises SecretUnusable, SecretsUnavailable.
        """
        body = json.dumps({"SecretId": name}).encode()
        status, answer = self._server.ask("POST", self._url, self._headers(body), body)
        if status != 200:
            raise _failure(name, str(answer.get("__type", "")).rpartition("#")[2] or f"status {status}")
        text = answer.get("SecretString")
        if not isinstance(text, str):
            raise SecretUnusable(f"the secret {name} of AWS Secrets Manager is no text")
        return {**_fields(text), "": text}

    def _headers(self, body: bytes) -> Mapping[str, str]:
        credentials = self._credentials()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": urlsplit(self._url).netloc,
            "x-amz-date": self._now().strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-target": _OPERATION,
            **({"x-amz-security-token": credentials.token} if credentials.token else {}),
        }
        return {**headers, "authorization": self._signed_for.authorization(credentials, "POST", "", headers, body)}

    def _credentials(self) -> AwsCredentials:
        """Who asks, anew for each request: temporary ones end."""
        given = self._environment
        key_id, key = given.get("AWS_ACCESS_KEY_ID", "").strip(), given.get("AWS_SECRET_ACCESS_KEY", "").strip()
        if key_id and key:
            return AwsCredentials(key_id, key, given.get("AWS_SESSION_TOKEN", "").strip())
        path = given.get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")
        url = f"{_TASKS}{path}" if path else given.get("AWS_CONTAINER_CREDENTIALS_FULL_URI")
        if not url:
            raise SecretUnusable(_NOBODY)
        status, answer = JsonServer("what has this container's credentials of AWS").ask(
            "GET", url, self._of_container()
        )
        found = [answer.get(part) for part in ("AccessKeyId", "SecretAccessKey", "Token")]
        if status != 200 or not all(isinstance(part, str) and part for part in found):
            raise SecretUnusable(f"this container is given no credentials of AWS (status {status})")
        return AwsCredentials(*map(str, found))

    def _of_container(self) -> Mapping[str, str]:
        given = self._environment
        token = given.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "").strip()
        if file := given.get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"):
            token = read_secret_file("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", file)
        return {"authorization": token} if token else {}


def _failure(name: str, code: str) -> SecretUnusable | SecretsUnavailable:
    if code in _MAY_PASS:
        return SecretsUnavailable(f"AWS Secrets Manager cannot answer now: {code}")
    return SecretUnusable(f"AWS Secrets Manager does not show {name}: {code}")


def _fields(text: str) -> dict[str, Any]:
    try:
        document = json.loads(text)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
