"""Who watches a worker, and what they are shown: lag, health, gauges, figures, and the pages that tell them."""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from agents.config.proxy import proxy_rules
from agents.dashboard.drawing import Drawing
from agents.dashboard.gathering import FigureGathering, Reasoning
from agents.dashboard.level_sample import LevelSample
from agents.dashboard.members import DASHBOARD_PART
from agents.health import BrokerPing, ConfigState, Health, HealthBounds, ReasoningState, Server, Watched
from agents.health.lag import BrokerOffsets, LagBounds, LagMonitor, publish_group_lag
from agents.health.snapshot import WITHOUT_NORMS
from agents.kafka.certificates import ends_of
from agents.peers.own import named_in
from agents.web import Bounds, RoleTokens, WebServer
from agents.web.dashboard import dashboard_pages
from agents.web.pages import Page
from agents.web.streaming import EventStreams
from agents.web.tls import PagesCertificate
from agents.worker.answering import Answering
from agents.worker.figures import figure_parts
from agents.worker.parts import WorkerParts

_log = logging.getLogger(__name__)
_REPORTER: Final = 0
"""Its owner reports what one worker of a group should."""


class Watching:
    """Of one worker. Connects to nothing before it is `served`, or its `jobs` run."""

    def __init__(self, parts: WorkerParts) -> None:
        settings = parts.settings
        self._parts = parts
        self._lag = LagMonitor(
            BrokerOffsets(settings.broker, settings.app_id, parts.channels.sources, settings.partitions),
            window_s=settings.lag_window_s,
        )
        self._health = _health(parts, self._lag)
        self.figures = _figures(parts, self._health, self._lag)
        figures = {**figure_parts(parts.metrics, self._health, self._lag), DASHBOARD_PART: self.figures.now}
        self._answering = Answering(parts, figures)
        self._certificate = _certificate(parts)
        self._web = self._server()

    def jobs(self) -> list[Coroutine[None, None, None]]:
        """What is to be run beside the stream, from when pages are served."""
        return [
            self._lag.run(),
            self._health.watch(self._parts.app.switch.halt),
            self.figures.run(),
            self._answering.announcer.run(),
            self._answering.trail.run(),
            *([] if self._parts.identities is None else [self._parts.identities.follow()]),
            *([] if self._certificate is None else [self._certificate.watch(self._parts.settings.secrets_poll_s)]),
        ]

    @asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        """The pages, for as long as the context is open. Raises CannotServe or WrongAddress."""
        try:
            await self._web.start()
            self._answering.own.pages_port = self._web.port
            _log.info("Pages at %s", self._web.url)
            try:
                yield
            finally:
                await self._web.stop()
        finally:
            await self._answering.close()

    @property
    def pages(self) -> tuple[Page, ...]:
        """All that are served."""
        return self._web.pages

    async def leave(self) -> None:
        """Tell the other workers that this one ends."""
        await self._answering.announcer.leave()

    def refresh(self) -> None:
        """Set the gauges, for `Metrics.before_render`."""
        app, metrics, settings = self._parts.app, self._parts.metrics, self._parts.settings
        self._lag.publish(metrics)
        reported = self._lag.current() if _REPORTER in app.ownership.active else None
        publish_group_lag(reported, metrics, settings.app_id, settings.cluster_name)
        metrics.students.set(len(app.table.rows))
        metrics.partitions_owned.set(len(app.ownership.active))
        metrics.table_recovered.set(float(app.table_recovered))
        metrics.broker_outage_s.set(app.outage.age_s)
        metrics.loop_longest_block_s.set(app.longest_block_s)
        if self._parts.explanations is not None:
            self._parts.explanations.refresh()

    def _server(self) -> WebServer:
        settings, metrics = self._parts.settings, self._parts.metrics
        dashboard = dashboard_pages(
            Drawing(self._answering.group.now),
            EventStreams(settings.web_streams, partial(metrics.web_refused.add, "streams")),
            settings.app_id,
            students=bool(settings.reader_token or settings.proxy_roles),
        )
        return WebServer(
            settings.web_host,
            settings.web_port,
            health=self._health,
            lag=self._lag,
            metrics=metrics,
            tokens=RoleTokens.of(settings),
            proxy=proxy_rules(settings),
            session_s=settings.session_s,
            wrong_tokens_per_minute=settings.wrong_tokens_per_minute,
            hosts=(*settings.web_hosts, *named_in(settings.advertised_url)),
            bounds=Bounds(settings.web_connections, settings.web_header_timeout_s),
            seen=self._parts.seen,
            pages=[*self._answering.pages, *dashboard],
            instance=self._answering.own.instance,
            certificate=self._certificate,
        )


def _certificate(parts: WorkerParts) -> PagesCertificate | None:
    """Raises OSError where a file went since the settings were read."""
    settings = parts.settings
    if settings.web_certificate is None or settings.web_key is None:
        return None
    return PagesCertificate(settings.web_certificate, settings.web_key, partial(note_certificates, parts))


def note_certificates(parts: WorkerParts) -> None:
    """Set the gauge of when certificates end."""
    given = parts.settings
    names = ("broker_ca", "broker_certificate", "web_certificate")
    ends = ends_of({name: getattr(given, name) for name in names})
    parts.metrics.certificate_end_s.replace({(setting,): end_s for setting, end_s in ends.items()})


def _figures(parts: WorkerParts, health: Health, lag: LagMonitor) -> FigureGathering:
    """What the dashboard shows of this worker."""
    app, asked = parts.app, parts.explanations
    reasoning = Reasoning()
    if asked is not None:
        queue = asked.queue
        reasoning = Reasoning(asked.state, lambda: len(queue), lambda: queue.oldest_us)
    return FigureGathering(
        parts.metrics,
        health,
        lag,
        levels=LevelSample(app.table.rows, parts.pipeline, lambda: app.ownership.active).now,
        failures=parts.failures,
        sources=parts.pipeline.skill_set.source_names,
        reasoning=reasoning,
    )


def _health(parts: WorkerParts, lag: LagMonitor) -> Health:
    settings, pipeline, asked = parts.settings, parts.pipeline, parts.explanations
    off: Callable[[], ReasoningState] = partial(ReasoningState, mode="off")
    watched = Watched(
        worker=parts.app,
        lag=lag,
        broker=Server(settings.broker, BrokerPing(settings.broker, parts.channels.activity)),
        redis=asked.redis if asked is not None else None,
        reasoning=asked.state if asked is not None else off,
        model=pipeline.artifact.id,
        model_skills=len(pipeline.artifact.card.skills),
        failures=parts.failures,
        beyond_horizon=lambda: int(parts.metrics.events_beyond_horizon.value),
        jumped=parts.jumps.reason,
        config=lambda: ConfigState(pipeline.config_version, parts.config.problem),
        norms=lambda: WITHOUT_NORMS if parts.norms is None else parts.norms.state,
        held=lambda: None if parts.holding is None else parts.holding.by_tenant(),
        identities=lambda: None if parts.identities is None else parts.identities.state,
    )
    bounds = HealthBounds(
        stall_after_s=settings.stall_after_s,
        held_bearable_s=settings.open_transaction_s,
        lag=LagBounds.of(settings),
    )
    return Health(watched, bounds)
