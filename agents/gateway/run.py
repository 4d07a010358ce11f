"""One gateway, from its settings to its end."""

import asyncio
import logging
import signal
from collections.abc import Coroutine, Iterator
from typing import Final

from agents.config.addresses import is_loopback, pages_url
from agents.config.channels import Channels
from agents.config.dialects import bounds_of, load_dialects, load_mapping
from agents.config.gateway import require_gateway
from agents.config.settings import Settings, SettingsError
from agents.config.tenants import Tenants
from agents.gateway.app import GatewayPages, gateway_app
from agents.gateway.body import BodyLimits
from agents.gateway.doors import Doors, Readers
from agents.gateway.envelopes import Envelopes
from agents.gateway.placing import RecordPlacement
from agents.gateway.room import RequestRoom
from agents.gateway.sending import ConfirmedSender
from agents.gateway.server import GatewayServer, listening_socket
from agents.gateway.statements import Statements
from agents.kafka.topics import ensure_topics
from agents.metrics.declared.gateway import GatewayMetrics
from agents.web.connections import Bounds
from agents.web.tls import PagesCertificate
from schemas.errors import Fatal

_MIB: Final = 1024 * 1024
_SPARE_S: Final = 10.0
"""Of a request's whole time, beside that of its body and of Kafka."""
_log = logging.getLogger(__name__)


class ProducerLost(Fatal):
    """Kafka's client can send no more: the process has to be started anew."""


def run_gateway(settings: Settings) -> None:
    """Answer until SIGTERM or SIGINT. Blocks. Raises as `Gateway` and `Gateway.serve`, and BrokerUnavailable or
    TopicMismatch where the topic is not there.
    """
    gateway = Gateway(settings)
    try:
        channels = Channels.of(settings)
        activity = [spec for spec in channels.specs(settings) if spec.name == channels.activity]
        ensure_topics(settings.broker, activity, settings.start_timeout_s)
        asyncio.run(_until_signal(gateway))
    finally:
        gateway.close()


class Gateway:
    """Listens from the start, though nobody is answered before `serve`. `close` gives the address back.

    Raises SettingsError where nobody has a key, or a setting or a file is wrong, and AddressInUse.
    """

    def __init__(self, settings: Settings) -> None:
        require_gateway(settings)
        self._settings = settings
        self._tenants = Tenants.of(settings)
        if not self._tenants:
            raise SettingsError(
                "nobody has a key: name a file by SKILLSTREAM_TENANTS that has gateway_keys "
                "(`skillstream tenants key` makes one; docs/gateway.md)"
            )
        self._mapping = load_mapping(settings.mapping)
        self._certificate = _certificate(settings)
        self.metrics = GatewayMetrics()
        self._server: GatewayServer | None = None
        self._listening = listening_socket(settings.gateway_host, settings.gateway_port)

    @property
    def url(self) -> str:
        """Where it is."""
        port = int(self._listening.getsockname()[1])
        return pages_url(self._settings.gateway_host, port, encrypted=self._settings.gateway_certificate is not None)

    async def serve(self) -> None:
        """Answer until `stop`; then finish what is under way, and have Kafka confirm it. Raises ProducerLost."""
        settings = self._settings
        sender = ConfirmedSender(
            settings.broker,
            Channels.of(settings).activity,
            settings.compression,
            settings.gateway_ack_timeout_s,
            settings.gateway_in_flight_mb * 1024,
        )
        try:
            self._server = self._served_by(sender)
            self._say_where()
            watching = [asyncio.create_task(task) for task in self._watching(sender)]
            try:
                await self._server.serve(self._listening)
            finally:
                for task in watching:
                    task.cancel()
        finally:
            left = await asyncio.to_thread(sender.close, settings.gateway_ack_timeout_s)
        if sender.fatal is not None:
            raise ProducerLost(f"Kafka's client can send no more: {sender.fatal.str()}")
        _log.info("The gateway has stopped; unsent: %d records, of requests that were not answered with 2xx", left)

    def stop(self) -> None:
        """Take no more requests. Idempotent."""
        if self._server is not None:
            self._server.stop()

    def close(self) -> None:
        """Listen no more. Idempotent."""
        self._listening.close()

    def _served_by(self, sender: ConfirmedSender) -> GatewayServer:
        settings, metrics = self._settings, self.metrics
        timeouts_s = settings.gateway_body_timeout_s + settings.gateway_ack_timeout_s
        pages = GatewayPages(settings.gateway_host, settings.web_token, sender, metrics)
        return GatewayServer(
            gateway_app(self._doors(sender), pages, metrics),
            Bounds(
                connections=settings.gateway_connections,
                header_timeout_s=settings.web_header_timeout_s,
                answer_timeout_s=timeouts_s + _SPARE_S,
            ),
            metrics.connections_cut.add,
            drain_timeout_s=timeouts_s,
            certificate=self._certificate,
        )

    def _doors(self, sender: ConfirmedSender) -> Doors:
        settings, bounds = self._settings, bounds_of(self._settings)
        return Doors(
            self._tenants,
            Readers(
                Statements(self._mapping, bounds),
                Envelopes(self._mapping, bounds),
                load_dialects(settings.mapping).within(bounds),
            ),
            RecordPlacement(settings.partitioner, settings.partitions),
            sender,
            RequestRoom(settings.gateway_connections, settings.gateway_in_flight_mb * _MIB, len(self._tenants.by_name)),
            BodyLimits(settings.gateway_max_body_mb * _MIB, settings.gateway_body_timeout_s),
            self.metrics,
        )

    def _say_where(self) -> None:
        _log.info("Gateway at %s/, to %s", self.url, self._settings.broker, extra={"url": self.url})
        if not self._settings.gateway_certificate and not is_loopback(self._settings.gateway_host):
            _log.warning("Keys and events come without TLS: set SKILLSTREAM_GATEWAY_CERTIFICATE, or have a proxy do it")

    def _watching(self, sender: ConfirmedSender) -> Iterator[Coroutine[None, None, None]]:
        yield self._stop_when_lost(sender)
        if self._certificate is not None:
            yield self._certificate.watch(self._settings.secrets_poll_s)

    async def _stop_when_lost(self, sender: ConfirmedSender) -> None:
        await sender.lost.wait()
        self.stop()


def _certificate(settings: Settings) -> PagesCertificate | None:
    """Raises SettingsError."""
    certificate, key = settings.gateway_certificate, settings.gateway_private_key
    if certificate is None or key is None:
        return None
    try:
        return PagesCertificate(certificate, key, lambda: None, "SKILLSTREAM_GATEWAY_CERTIFICATE or _PRIVATE_KEY")
    except OSError as error:  # ssl's own errors are among them
        raise SettingsError(f"gateway_certificate, gateway_private_key: {error.strerror or error}") from None


async def _until_signal(gateway: Gateway) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.stop)
    await gateway.serve()
