"""What a worker answers beside its work: about itself, about the group, about students."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from agents.audit.topic import AuditTopic
from agents.audit.trail import AuditTrail
from agents.audit.writer import ChainWriter
from agents.config.pages_tls import peer_context
from agents.config.proxy import proxy_rules
from agents.config.settings import Settings
from agents.delivery.faust.app import DeliveryApp
from agents.inference.rows import OwnRows
from agents.peers import Announcer, GroupFigures, OwnWorker, PeerRequests, Peers, WorkerFigures, WorkersTopic
from agents.peers.figures import FigurePart
from agents.peers.own import advertised_url
from agents.queries import ExplanationTopic, LastExplanations, OwnersAnswers, RowLookups, StudentAnswers
from agents.queries.any_id import AnswersByAnyId
from agents.queries.audited import AuditedReads
from agents.queries.pace import Pace
from agents.queries.student import StudentQueries
from agents.web.figures import figure_pages
from agents.web.pages import Page
from agents.web.proxied import proxy_headers
from agents.web.student_page import student_page_for_people
from agents.web.students import student_pages
from agents.worker.inference import WorkerInference
from agents.worker.parts import WorkerParts
from streams.input.identities import its_own
from streams.input.partitioner import partitioner
from streams.input.placement import KeyPlacement
from streams.pipeline import Pipeline


class Answering:
    """Of one worker: `pages` to be served, `announcer` and `trail` to be run. Connects to nothing until asked."""

    def __init__(self, parts: WorkerParts, figures: Mapping[str, FigurePart]) -> None:
        """`figures` are what the worker says of itself, by name."""
        settings, app, metrics, keyring = parts.settings, parts.app, parts.metrics, parts.keyring
        now = partial(datetime.now, UTC)
        self.own = OwnWorker(
            app.delivery.settings.client_name,
            partial(advertised_url, settings),
            lambda: (app.active_partitions, app.table_recovered),
            settings.announce_every_s,
            now,
        )
        log = WorkersTopic(settings, keyring.sign, keyring.authentic, lambda: metrics.announcements.add("forged"))
        self.announcer = Announcer(self.own, log, metrics)
        self._peers = Peers(self.own, log, metrics, now=now)
        passed_on = proxy_headers(proxy_rules(settings))
        self._requests = PeerRequests(metrics, settings.peer_timeout_s, peer_context(settings.web_ca), passed_on)
        self._explanations = ExplanationTopic(
            settings.broker, parts.channels.reasoning, app.complete_partitions, metrics
        )
        own_figures = WorkerFigures(self.own, figures)
        self.group = GroupFigures(self._peers, own_figures, self._requests, settings.partitions)
        placement = KeyPlacement(partitioner(settings.partitioner), settings.partitions)
        pace = Pace(settings.queries_per_s)
        owners = OwnersAnswers(self._peers, self._requests, placement, app.complete_partitions, metrics, pace)
        self.trail = AuditTrail(ChainWriter(AuditTopic(settings, keyring.sign)), metrics, now)
        reads = AuditedReads(self.trail, keyring)
        self._inference = WorkerInference(
            settings,
            parts.pipeline.base_version,
            OwnRows(app.table.rows, placement, app.complete_partitions),
            self._peers,
            self._requests,
            metrics,
            lambda: parts.config.overrides,
            lambda: parts.pipeline.norms,
            reads,
            its_own if parts.identities is None else parts.identities.student_of,
        )
        queries = self._queries(settings, app, parts.pipeline)
        answers = owners if parts.identities is None else AnswersByAnyId(owners, parts.identities)
        self.pages: list[Page] = [
            *figure_pages(own_figures, self.group),
            *student_pages(answers, queries, reads),
            student_page_for_people(answers, queries, reads),
            *self._inference.pages,
        ]

    def _queries(self, settings: Settings, app: DeliveryApp, pipeline: Pipeline) -> StudentQueries:
        timeout_s = settings.peer_timeout_s / 2  # so that whoever asks for another hears of what is late
        lookups = RowLookups(pipeline)
        return StudentQueries(
            app.table.rows,
            pipeline.skill_set.names,
            lookups,
            StudentAnswers(lookups, lambda: pipeline.scorer.catalogue_entry, timeout_s),
            LastExplanations(self._explanations, timeout_s),
        )

    async def close(self) -> None:
        """Write what the audit trail still has to, and let go of all connections, and of the process that scores."""
        await self.trail.close()
        await self._inference.stop()
        await self._requests.close()
        await self._peers.close()
        await asyncio.to_thread(self._explanations.close)
