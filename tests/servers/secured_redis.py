"""A real Redis that is locked down: TLS alone, certificates on both sides, and users by ACL."""

from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

import redis

from tests.servers.certificates import Authority, Issued
from tests.servers.redis import RealRedis

USER: Final = "skillstream"
PASSWORD: Final = "correct horse/battery"
_ADMIN: Final = ("operator", "of-the-test-itself")


class SecuredRedis(RealRedis):
    """See the module. `url` is the way in for the test itself."""

    def __init__(self) -> None:
        super().__init__()
        self.authority = Authority(self.folder / "certificates")
        self.shown = self.authority.issue("redis")
        self.operator = self.authority.issue("operator")

    @property
    def url(self) -> str:
        """See RealRedis. Of the test itself, which gets in whatever certificate is shown."""
        return f"{self.address(*_ADMIN)}&ssl_cert_reqs=none&ssl_check_hostname=false"

    def address(
        self, user: str = USER, password: str = PASSWORD, ca: Path | None = None, certificate: Issued | None = None
    ) -> str:
        """What SKILLSTREAM_REDIS_URL is set to by who logs in so."""
        own = certificate or self.operator
        files = {"ssl_ca_certs": ca or self.authority.ca, "ssl_certfile": own.certificate, "ssl_keyfile": own.key}
        return f"rediss://{user}:{quote(password, safe='')}@127.0.0.1:{self._port}/0?{urlencode(files)}"

    def admit(self, password: str) -> None:
        """The user has this password from now on, and no other; who is connected is cut."""
        with redis.Redis.from_url(self.url) as admin:
            admin.acl_setuser(
                USER, enabled=True, reset=True, passwords=[f"+{password}"], keys=["skillstream:*"], categories=["+@all"]
            )
            admin.client_kill_filter(user=USER)

    def show(self, issued: Issued) -> None:
        """Who connects from now on is shown this certificate."""
        with redis.Redis.from_url(self.url) as admin:
            admin.config_set("tls-cert-file", str(issued.certificate), "tls-key-file", str(issued.key))

    def _network(self) -> list[str]:
        tls = {"cert-file": self.shown.certificate, "key-file": self.shown.key, "ca-cert-file": self.authority.ca}
        operator, password = _ADMIN
        acl = self.folder / "users.acl"
        acl.write_text(f"user default off\nuser {operator} on >{password} ~* &* +@all\n")
        return [
            *("--port", "0", "--tls-port", str(self._port), "--bind", "127.0.0.1", "--aclfile", str(acl)),
            *(part for name, file in tls.items() for part in (f"--tls-{name}", str(file))),
        ]
