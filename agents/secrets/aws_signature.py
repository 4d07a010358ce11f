"""AWS's Signature Version 4 of a request, in its Authorization header."""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

ALGORITHM: Final = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    """An access key; `token` where it is a temporary one."""

    key_id: str
    key: str = field(repr=False)
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SignedFor:
    """The service and region that a signature is for."""

    region: str
    service: str

    def authorization(
        self, credentials: AwsCredentials, method: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> str:
        """The header for a request of the path `/`. `headers` are all that are signed, their names in lower case,
        `host` and `x-amz-date` among them; `query` is in canonical form.
        """
        names = sorted(headers)
        signed = ";".join(names)
        of_headers = "".join(f"{name}:{headers[name].strip()}\n" for name in names)
        canonical = f"{method}\n/\n{query}\n{of_headers}\n{signed}\n{sha256(body).hexdigest()}"
        day = headers["x-amz-date"][:8]
        scope = f"{day}/{self.region}/{self.service}/aws4_request"
        text = f"{ALGORITHM}\n{headers['x-amz-date']}\n{scope}\n{sha256(canonical.encode()).hexdigest()}"
        key = f"AWS4{credentials.key}".encode()
        for part in scope.split("/"):
            key = hmac.digest(key, part.encode(), sha256)
        signature = hmac.digest(key, text.encode(), sha256).hex()
        return f"{ALGORITHM} Credential={credentials.key_id}/{scope}, SignedHeaders={signed}, Signature={signature}"
