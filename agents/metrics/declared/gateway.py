"""What a gateway takes and refuses: served by `skillstream gateway` alone, by no worker."""

from collections.abc import Callable
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from agents.metrics.declared.events import STEP_SECONDS
from agents.metrics.instruments import CounterBy, CounterByTenant, Declarations, Declared

GatewayOutcome = Literal[
    "taken", "partial", "key", "foreign_student", "unreadable", "too_large", "busy", "rate", "slow", "unavailable",
    "gone", "failed", "other",
]  # fmt: skip
GatewayCut = Literal["connections", "slow", "large"]


class GatewayMetrics:
    """Of one gateway, in a registry of their own. No label is a student's, nor what anybody wrote."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        declare = Declarations(self.registry)
        self.requests: CounterBy[GatewayOutcome] = declare.counter_by(
            "outcome",
            "gateway_requests",
            "requests",
            "Requests to the gateway: `taken`; `partial`: some lines of NDJSON; refused for their `key`, as of a "
            "`foreign_student`, as `unreadable`, `too_large`, `slow`, as there was no room (`busy`), their tenant sent "
            "more events a second than are its own (`rate`) or Kafka did not acknowledge (`unavailable`); `gone`: the "
            "client was; `failed`: a fault of ours; `other`: no such path or method.",
            get_args(GatewayOutcome),
        )
        self.tenant_requests: CounterByTenant = declare.counter_by_tenant(
            "outcome",
            "gateway_tenant_requests",
            "requests",
            "The same by tenant, from where its key was read: without `failed`, and what the version header or "
            "parameters refuse.",
        )
        self.events: CounterBy[str] = declare.counter_by(
            "tenant", "gateway_events", "events", "Events that were taken: acknowledged by all replicas in sync."
        )
        self.refused: CounterBy[str] = declare.counter_by(
            "tenant", "gateway_refused_items", "lines", "Lines of NDJSON that were refused, each by itself."
        )
        self.connections_cut: CounterBy[GatewayCut] = declare.counter_by(
            "reason",
            "gateway_connections_cut",
            "connections",
            "Connections that were cut: `slow` in what they send or take, `large` in their headers, or as there were "
            "more than SKILLSTREAM_GATEWAY_CONNECTIONS.",
            get_args(GatewayCut),
        )
        self.received_bytes = declare.counter(
            "gateway_received_bytes", "bytes", "Of bodies that were read to their end, unpacked."
        )
        self.held_bytes = declare.gauge(
            "gateway_held_bytes",
            "bytes",
            "Of requests that are under way; at SKILLSTREAM_GATEWAY_IN_FLIGHT_MB others are refused as `busy`.",
            adds_up="yes",
        )
        self.tenant_held_bytes = declare.gauge_by(
            ("tenant",),
            "gateway_tenant_held_bytes",
            "bytes",
            "Of requests that are under way, each tenant's; who holds nothing is absent. With several tenants none "
            "gets more than three times what is free.",
            adds_up="yes",
        )
        self.ack_s = declare.histogram(
            "gateway_ack_seconds", "seconds", "Until Kafka had acknowledged what a request brought.", STEP_SECONDS
        )
        self._before_render: list[Callable[[], None]] = []
        self.declared: tuple[Declared, ...] = tuple(declare.made)
        ProcessCollector(registry=self.registry)

    def before_render(self, refresh: Callable[[], None]) -> None:
        """Have `refresh` set gauges whenever somebody looks. It must not block."""
        self._before_render.append(refresh)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics in Prometheus's text format (or OpenMetrics, if `accept` asks for it), and the content type."""
        for refresh in self._before_render:
            refresh()
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type
