"""Every metric, declared once, by subject: name, unit, meaning. docs/metrics.md is printed from here.

None carries a student's id or anything a student wrote: labels are outcomes, reasons, sources, topics.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import choose_encoder

from agents.metrics.declared.audit import AuditMetrics
from agents.metrics.declared.erasures import ErasureMetrics
from agents.metrics.declared.events import EventMetrics
from agents.metrics.declared.explanations import ExplanationMetrics
from agents.metrics.declared.lag import LagMetrics
from agents.metrics.declared.norms import NormMetrics
from agents.metrics.declared.ownership import OwnershipMetrics
from agents.metrics.declared.pages import PageMetrics
from agents.metrics.declared.process import ProcessMetrics
from agents.metrics.declared.scores import ScoreMetrics
from agents.metrics.declared.tenants import TenantMetrics
from agents.metrics.instruments import Declarations, Declared
from schemas.dialects.vocabulary import SHIPPED, Vocabulary


class Metrics(
    EventMetrics,
    ScoreMetrics,
    ExplanationMetrics,
    NormMetrics,
    OwnershipMetrics,
    LagMetrics,
    PageMetrics,
    AuditMetrics,
    ProcessMetrics,
    TenantMetrics,
    ErasureMetrics,
):
    """The metrics of one worker, in a registry of their own. `vocabulary` says which names may be labels."""

    def __init__(self, registry: CollectorRegistry | None = None, vocabulary: Vocabulary = SHIPPED) -> None:
        self.registry = registry or CollectorRegistry()
        self._before_render: list[Callable[[], None]] = []
        declare = Declarations(self.registry)
        EventMetrics.__init__(self, declare, vocabulary)
        ScoreMetrics.__init__(self, declare)
        ExplanationMetrics.__init__(self, declare)
        NormMetrics.__init__(self, declare)
        OwnershipMetrics.__init__(self, declare)
        LagMetrics.__init__(self, declare)
        PageMetrics.__init__(self, declare)
        AuditMetrics.__init__(self, declare)
        ProcessMetrics.__init__(self, declare)
        TenantMetrics.__init__(self, declare)
        ErasureMetrics.__init__(self, declare)
        self.declared: tuple[Declared, ...] = tuple(declare.made)
        ProcessCollector(registry=self.registry)

    def before_render(self, refresh: Callable[[], None]) -> None:
        """Have `refresh` set gauges whenever somebody looks. It must not block."""
        self._before_render.append(refresh)

    def render(self, accept: str = "") -> tuple[bytes, str]:
        """All metrics in Prometheus's text format (or OpenMetrics, if `accept` asks for it), and the content type."""
        self.refresh()
        encode, content_type = choose_encoder(accept)
        return encode(self.registry), content_type

    def refresh(self) -> None:
        """Bring the gauges up to date."""
        for refresh in self._before_render:
            refresh()
