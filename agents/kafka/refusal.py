"""Why Kafka lets this client not in, or the client does not go in, with the settings to look at.

librdkafka tells of both in callbacks alone, and of a certificate not what is wrong: its handshake is tried again here.
"""

import socket
import ssl
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from confluent_kafka import KafkaError

from agents.kafka.certificates import first_end_s
from agents.kafka.connection import BrokerAccess, access_of
from agents.kafka.resolving import addresses

_TIMEOUT_S: Final = 1.0
_LOG_IN: Final = "see SKILLSTREAM_BROKER_USER, _BROKER_PASSWORD, _BROKER_MECHANISM and _BROKER_SECURITY"
_ADVICE: Final = {
    10: "have the broker's renewed",  # X509_V_ERR_CERT_HAS_EXPIRED
    62: "see SKILLSTREAM_BROKER",  # X509_V_ERR_HOSTNAME_MISMATCH
    64: "see SKILLSTREAM_BROKER",  # X509_V_ERR_IP_ADDRESS_MISMATCH
}


def refusal_of(broker: str, errors: Sequence[KafkaError]) -> str | None:
    """None where nobody refuses anybody. `errors` are what a client was told by its callback. Blocks for seconds."""
    access = access_of(broker)
    for error in reversed(errors):
        said = str(error.str())
        if error.code() == KafkaError._AUTHENTICATION:
            reason = said.partition("/bootstrap: ")[2] or said
            return f"the log-in is refused ({reason.partition(' (after ')[0]}): {_LOG_IN}"
        if _names_a_certificate(said):
            return _certificate_refused(access)
    return next((found for host, port in _addresses(broker) if (found := _handshake(host, port, access))), None)


def _handshake(host: str, port: int, access: BrokerAccess) -> str | None:
    """What is wrong with the broker's TLS, or with expecting it or not."""
    try:
        context = access.tls() or _trusting()
        with (
            socket.create_connection((host, port), _TIMEOUT_S) as connection,
            context.wrap_socket(connection, server_hostname=host),
        ):
            return None if access.encrypted else "it speaks TLS: set SKILLSTREAM_BROKER_SECURITY to sasl_ssl or ssl"
    except ssl.SSLCertVerificationError as error:
        advice = _ADVICE.get(error.verify_code, "see SKILLSTREAM_BROKER_CA")
        return f"its certificate is not trusted ({error.verify_message}): {advice}"
    except (ssl.SSLError, ConnectionResetError) as error:
        if not access.encrypted:
            return None
        if _names_a_certificate(str(error)):
            return _certificate_refused(access)
        return "it does not speak TLS: see SKILLSTREAM_BROKER_SECURITY"
    except (OSError, ValueError):  # nobody is there; or a name that cannot be
        return None


def _names_a_certificate(said: str) -> bool:
    """Whether these are words of OpenSSL's for an alert that the other side does not take ours."""
    said = said.lower()
    return "alert" in said and ("certificate" in said or "unknown ca" in said)


def _certificate_refused(access: BrokerAccess) -> str:
    if not access.certificate:
        return "it asks for a certificate: set SKILLSTREAM_BROKER_CERTIFICATE and _BROKER_KEY"
    end_s = first_end_s(Path(access.certificate))
    now = datetime.now(UTC)
    if end_s is not None and end_s < now.timestamp():
        return f"the certificate in SKILLSTREAM_BROKER_CERTIFICATE ended on {datetime.fromtimestamp(end_s, UTC):%F}"
    return "it does not trust the certificate in SKILLSTREAM_BROKER_CERTIFICATE: which authority issued it?"


def _addresses(broker: str) -> Iterator[tuple[str, int]]:
    for host, port in addresses(broker):
        yield host.strip("[]"), int(port) if port.isdecimal() else 0


def _trusting() -> ssl.SSLContext:
    """For learning whether the other side speaks TLS: nothing is sent."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
