"""A real Kafka that is locked down: only who logs in gets in, and may do only what ACLs allow.

Three ways in: PLAINTEXT for the test itself, which may do everything; SASL_PLAINTEXT with PLAIN; SASL_SSL with
SCRAM-SHA-512 and a certificate of the broker's own, made by the JDK's keytool.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Final

from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import ScramCredentialInfo, ScramMechanism, UserScramCredentialUpsertion

from tests.servers.child import ServerMissing
from tests.servers.kafka import RealKafka
from tests.servers.ports import free_ports

USER: Final = "skillstream"
PASSWORD: Final = "correct horse battery"
_STORE_PASSWORD: Final = "changeit"
_TIMEOUT_S: Final = 30.0


class SecuredKafka(RealKafka):
    """See the module; `bootstrap` is the way in for the test itself."""

    def __init__(self) -> None:
        self._keytool = shutil.which("keytool")
        if self._keytool is None:
            raise ServerMissing("a Kafka with TLS needs the JDK's `keytool`, and there is none on the PATH")
        super().__init__()
        self._sasl_port = self._tls_port = 0

    @property
    def sasl_plaintext(self) -> str:
        """Where PLAIN is asked for."""
        return f"127.0.0.1:{self._sasl_port}"

    @property
    def sasl_ssl(self) -> str:
        """Where SCRAM-SHA-512 is asked for, over TLS."""
        return f"127.0.0.1:{self._tls_port}"

    @property
    def ca(self) -> Path:
        """What a client must trust, as PEM."""
        return self.folder / "ca.pem"

    def admit_by_scram(self) -> None:
        """Let the user in by SCRAM-SHA-512, too; to be called once."""
        info = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4096)
        upsertion = UserScramCredentialUpsertion(USER, info, PASSWORD.encode())
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        for answer in admin.alter_user_scram_credentials([upsertion]).values():
            answer.result(_TIMEOUT_S)

    def _format(self) -> None:
        super()._format()
        self._make_certificate()
        self._sasl_port, self._tls_port = free_ports(2)
        lines = dict(line.split("=", 1) for line in self._properties.read_text().splitlines())
        more = f",SASL_PLAINTEXT://{self.sasl_plaintext},SASL_SSL://{self.sasl_ssl}"
        protocols = ",SASL_PLAINTEXT:SASL_PLAINTEXT,SASL_SSL:SASL_SSL"
        lines["listeners"] += more
        lines["advertised.listeners"] += more
        lines["listener.security.protocol.map"] += protocols
        module = "org.apache.kafka.common.security.plain.PlainLoginModule"
        lines |= {
            "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
            "super.users": "User:ANONYMOUS",
            "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-512",
            "listener.name.sasl_plaintext.plain.sasl.jaas.config": f'{module} required user_{USER}="{PASSWORD}";',
            "listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config": (
                "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            ),
            "listener.name.sasl_plaintext.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.sasl_ssl.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(self._keystore),
            "ssl.keystore.password": _STORE_PASSWORD,
            "ssl.key.password": _STORE_PASSWORD,
        }
        self._properties.write_text("".join(f"{name}={value}\n" for name, value in lines.items()))

    def _make_certificate(self) -> None:
        self._keystore.unlink(missing_ok=True)
        common = ["-alias", "broker", "-keystore", str(self._keystore), "-storepass", _STORE_PASSWORD]
        pair = ["-genkeypair", "-keyalg", "EC", "-dname", "CN=localhost", "-ext", "san=ip:127.0.0.1", "-validity", "7"]
        self._run_keytool([*pair, "-storetype", "PKCS12", *common])
        self._run_keytool(["-exportcert", "-rfc", "-file", str(self.ca), *common])

    def _run_keytool(self, arguments: list[str]) -> None:
        assert self._keytool is not None
        subprocess.run([self._keytool, *arguments], check=True, capture_output=True, timeout=60)

    @property
    def _keystore(self) -> Path:
        return self.folder / "broker.p12"
