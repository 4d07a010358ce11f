"""AWS Secrets Manager, over its HTTP API.

    aws-sm:NAME_OR_ARN           the whole secret
    aws-sm:NAME_OR_ARN#FIELD     a field of a secret that is a JSON object

The variables are AWS's own: AWS_REGION, AWS_ENDPOINT_URL_SECRETS_MANAGER; who asks is said in `aws_identity`.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

from agents.secrets.aws_identity import AwsIdentity
from agents.secrets.aws_signature import SignedFor
from agents.secrets.errors import SecretsUnavailable, SecretUnusable
from agents.secrets.http import SecretServer

_OPERATION: Final = "secretsmanager.GetSecretValue"
_MAY_PASS: Final = frozenset({"InternalServiceError", "ThrottlingException"})


class SecretsManager:
    """Of one process. Raises SecretUnusable where the environment does not say which region's."""

    def __init__(self, environment: Mapping[str, str], now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        if not region:
            raise SecretUnusable("a secret is kept in AWS Secrets Manager: set AWS_REGION")
        domain = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
        given = environment.get("AWS_ENDPOINT_URL_SECRETS_MANAGER") or environment.get("AWS_ENDPOINT_URL")
        self._url = f"{(given or f'https://secretsmanager.{region}.{domain}').rstrip('/')}/"
        sts = environment.get("AWS_ENDPOINT_URL_STS") or environment.get("AWS_ENDPOINT_URL")
        self._identity = AwsIdentity(environment, f"{(sts or f'https://sts.{region}.{domain}').rstrip('/')}/", now)
        self._signed_for = SignedFor(region, "secretsmanager")
        self._server = SecretServer("AWS Secrets Manager")

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
        credentials = self._identity.credentials()
        headers = {
            "content-type": "application/x-amz-json-1.1",
            "host": urlsplit(self._url).netloc,
            "x-amz-date": self._now().strftime("%Y%m%dT%H%M%SZ"),
            "x-amz-target": _OPERATION,
            **({"x-amz-security-token": credentials.token} if credentials.token else {}),
        }
        return {**headers, "authorization": self._signed_for.authorization(credentials, "POST", "", headers, body)}


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
