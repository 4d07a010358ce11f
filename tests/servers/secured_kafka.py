"""A real Kafka that is locked down: only who logs in gets in, and may do only what ACLs allow.

Five ways in: PLAINTEXT for the test itself, which may do everything; SASL_PLAINTEXT with PLAIN; SASL_SSL with
SCRAM-SHA-512; SSL for who has a certificate of the same authority, whose common name is the user; and EXPIRED, as
SASL_SSL with a certificate of the broker's that has ended.
"""

from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from tests.servers.certificates import Authority, Issued
from tests.servers.kafka import RealKafka
from tests.servers.ports import free_ports

USER: Final = "skillstream"
PASSWORD: Final = "correct horse battery"
_LISTENERS: Final = {"SASL_PLAINTEXT": "SASL_PLAINTEXT", "SASL_SSL": "SASL_SSL", "SSL": "SSL", "EXPIRED": "SASL_SSL"}
_BY_SCRAM: Final = ("sasl_ssl", "expired")
_PLAIN: Final = "org.apache.kafka.common.security.plain.PlainLoginModule"
_SCRAM: Final = "org.apache.kafka.common.security.scram.ScramLoginModule"
_TIMEOUT_S: Final = 30.0


class SecuredKafka(RealKafka):
    """See the module; `bootstrap` is the way in for the test itself."""

    def __init__(self) -> None:
        super().__init__()
        self.authority = Authority(self.folder / "certificates")
        self._ports: dict[str, int] = {}

    @property
    def sasl_plaintext(self) -> str:
        """Where PLAIN is asked for."""
        return self._address("SASL_PLAINTEXT")

    @property
    def sasl_ssl(self) -> str:
        """Where SCRAM-SHA-512 is asked for, over TLS."""
        return self._address("SASL_SSL")

    @property
    def ssl(self) -> str:
        """Where a certificate is asked for."""
        return self._address("SSL")

    @property
    def expired(self) -> str:
        """As `sasl_ssl`, with a certificate that has ended."""
        return self._address("EXPIRED")

    @property
    def ca(self) -> Path:
        """What a client must trust, as PEM."""
        return self.authority.ca

    def admit_by_scram(self, password: str = PASSWORD, *users: str) -> None:
        """Let the users in by SCRAM-SHA-512, too, with this password and no other."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        wanted: list[UserScramCredentialAlteration] = [
            UserScramCredentialUpsertion(user, info, password.encode()) for user in users or (USER,)
        ]
        for answer in admin.alter_user_scram_credentials(wanted).values():
            answer.result(_TIMEOUT_S)

    def trust(self, ca: Path) -> None:
        """Let in whose certificate is of that authority, and nobody else, from the next start on."""
        lines = self._properties.read_text().splitlines()
        kept = [line for line in lines if not line.startswith("ssl.truststore.location=")]
        self._properties.write_text("\n".join([*kept, f"ssl.truststore.location={ca}", ""]))

    def _address(self, listener: str) -> str:
        return f"127.0.0.1:{self._ports.get(listener, 0)}"

    def _format(self) -> None:
        super()._format()
        self._ports = dict(zip(_LISTENERS, free_ports(len(_LISTENERS)), strict=True))
        lines = dict(line.split("=", 1) for line in self._properties.read_text().splitlines())
        more = "".join(f",{name}://{self._address(name)}" for name in _LISTENERS)
        lines["listeners"] += more
        lines["advertised.listeners"] += more
        lines["listener.security.protocol.map"] += "".join(f",{name}:{kind}" for name, kind in _LISTENERS.items())
        lines |= {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{_PLAIN} required user_{USER}="{PASSWORD}";',
            "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.ssl.ssl.client.auth": "required",
            "listener.name.ssl.ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/",
            **_pem("", self.authority.issue("broker")),
            **_pem("listener.name.expired.", self.authority.issue("expired-broker", days=-1)),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.ca),
        }
        for listener in _BY_SCRAM:
            lines[f"listener.name.{listener}.scram-sha-512.sasl.jaas.config"] = f"{_SCRAM} required;"
            lines[f"listener.name.{listener}.sasl.enabled.mechanisms"] = "SCRAM-SHA-512"
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))


def _pem(prefix: str, issued: Issued) -> dict[str, str]:
    """Settings of a listener that shows this certificate."""
    both = issued.key.with_suffix(".both")
    both.write_text(issued.key.read_text() + issued.certificate.read_text())
    return {f"{prefix}ssl.keystore.type": "PEM", f"{prefix}ssl.keystore.location": str(both)}
