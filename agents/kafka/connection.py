"""How clients reach Kafka: its address, and how clients authenticate.

An address travels through the program as a string. One that was made from settings remembers its `BrokerAccess`.
"""

import os
import re
import socket
import ssl
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

from agents.secrets.secret import current

Security = Literal["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]
Compression = Literal["none", "gzip", "snappy", "lz4", "zstd"]
CODECS: Final[tuple[Compression, ...]] = get_args(Compression)
"""All codecs, each at the number that a record batch has for it."""
ClientConfig = dict[str, str | int | float | bool]

_UNNAMED: Final = re.compile(r"[^A-Za-z0-9._-]")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokerAccess:
    """What the broker asks for. `ca`, `certificate` and `key` are PEM files; without `ca` the system's are trusted.

    `user` and `password` are those of the start: `log_in` has those of now.
    """

    security: Security = "plaintext"
    mechanism: Mechanism = "PLAIN"
    user: str = ""
    password: str = ""
    ca: str | None = None
    certificate: str | None = None
    key: str | None = None

    def __repr__(self) -> str:
        return f"BrokerAccess({self.security})"

    @property
    def sasl(self) -> bool:
        """Whether a user logs in."""
        return self.security.startswith("sasl")

    @property
    def log_in(self) -> tuple[str, str]:
        """User and password for the next connection: they may be rotated."""
        return current(self.user), current(self.password)

    @property
    def encrypted(self) -> bool:
        """Whether the connection is TLS."""
        return self.security.endswith("ssl")

    def problem(self) -> str | None:
        """Why nobody could connect in this way; None where it may work."""
        if self.sasl and not (self.user and self.password):
            return f"broker_user and broker_password are needed with {self.security}"
        if self.user and not self.sasl:
            return f"broker_user is set, but with {self.security} nobody logs in: set SKILLSTREAM_BROKER_SECURITY"
        if not self.encrypted and (self.ca or self.certificate or self.key):
            return f"broker_ca, broker_certificate and broker_key are not used with {self.security}"
        if bool(self.certificate) != bool(self.key):
            return "broker_certificate and broker_key belong together"
        try:
            self.tls()
        except OSError as error:  # ssl's own errors are among them
            return f"broker_ca, broker_certificate or broker_key cannot be read: {error.strerror or error}"
        return None

    def tls(self) -> ssl.SSLContext | None:
        """For aiokafka. Raises OSError where a file cannot be read, or is none."""
        if not self.encrypted:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        if self.certificate:
            context.load_cert_chain(self.certificate, self.key)
        return context


PLAIN: Final = BrokerAccess()


class Broker(str):
    """A comma-separated list of host:port, the access there, and the instance that its clients are named after."""

    __slots__ = ("access", "instance")
    access: BrokerAccess
    instance: str | None

    def __new__(cls, address: str, access: BrokerAccess = PLAIN, instance: str | None = None) -> "Broker":
        broker = super().__new__(cls, address)
        broker.access = access
        broker.instance = instance
        return broker


def access_of(broker: str) -> BrokerAccess:
    """A plain string is a broker that asks for nothing."""
    return broker.access if isinstance(broker, Broker) else PLAIN


def client_name(broker: str) -> str:
    """What the broker, its logs and `kafka-consumer-groups` call a client: host and instance id, or process id."""
    instance = broker.instance if isinstance(broker, Broker) else None
    return _UNNAMED.sub("-", f"skillstream-{socket.gethostname()}-{instance or os.getpid()}")


def client_config(broker: str) -> ClientConfig:
    """What every librdkafka client needs. It writes nothing by itself: what it has to say comes as errors."""
    access = access_of(broker)
    config: ClientConfig = {"bootstrap.servers": str(broker), "client.id": client_name(broker), "log_level": 0}
    if access.security != "plaintext":
        config["security.protocol"] = access.security
    if access.sasl:
        user, password = access.log_in
        config |= {"sasl.mechanism": access.mechanism, "sasl.username": user, "sasl.password": password}
    files = {
        "ssl.ca.location": access.ca,
        "ssl.certificate.location": access.certificate,
        "ssl.key.location": access.key,
    }
    return config | {name: path for name, path in files.items() if path}


def aiokafka_config(broker: str) -> dict[str, Any]:
    """What every client of aiokafka's needs. Raises OSError where a file of the access cannot be read."""
    access = access_of(broker)
    user, password = access.log_in
    return {
        "bootstrap_servers": str(broker),
        "client_id": client_name(broker),
        "security_protocol": access.security.upper(),
        "ssl_context": access.tls(),
        "sasl_mechanism": access.mechanism,
        "sasl_plain_username": user or None,
        "sasl_plain_password": password or None,
    }
