"""A worker, put together: delivery, the students' step, explanations, what watches it; started and stopped in order."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

from agents.config.channels import Channels
from agents.config.dead_letters import dead_letter_writer
from agents.config.dialects import bounds_of, load_dialects
from agents.config.header_keys import Keyring
from agents.config.models import artifact_of
from agents.config.proxy import proxy_rules
from agents.config.settings import Settings, require_secrets
from agents.config.spending import require_spending
from agents.delivery.deployment import delivery_settings
from agents.delivery.faust.app import create_app
from agents.delivery.faust.run import run_worker
from agents.delivery.ownership import DeliveryHooks
from agents.delivery.settings import changelog_spec
from agents.fusion_config.catalogue import CatalogueTopic
from agents.fusion_config.following import ConfigFollower
from agents.fusion_config.topic import FusionConfigTopic
from agents.health import SourceFailures
from agents.health.assessment import description_of
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.input_topic import InputTopic
from agents.kafka.topics import ensure_topics
from agents.kafka.unpacking import CheckedBatches
from agents.logs import LineHandler, lifecycle
from agents.metrics import Metrics
from agents.metrics.seen_names import SeenNames
from agents.norms.following import NormsFollower
from agents.norms.topic import NormsTopic
from agents.reasoning.service import Explanations
from agents.reasoning.setup import now_us
from agents.stores.opening import open_store, validate_store
from agents.tenants.holding import TenantHolding
from agents.tenants.topic import HoldTopic, tenant_decoding
from agents.tracing import open_tracing
from agents.web.pages import Page
from agents.worker.erasing import ErasureAcceptor, FoldedMeanwhile
from agents.worker.garbage_collection import collect_rarely
from agents.worker.input_identity import CheckpointedStep, InputIdentity
from agents.worker.norm_journals import NormJournals
from agents.worker.norms import WorkerNorms
from agents.worker.observing import StreamObserver
from agents.worker.outputs import Outputs
from agents.worker.parts import WorkerParts
from agents.worker.position_jumps import PositionJumps
from agents.worker.rescoring import Rescorer, RescoringStep
from agents.worker.rotation import secret_rotation
from agents.worker.steps import dead_letter_gate, topic_steps
from agents.worker.watching import Watching, note_certificates
from streams.input.checkpoint import IdentityLost
from streams.input.tenancy import ONE_TENANT
from streams.input.tenant_decoding import TenantDecoding
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.skills.skills_file import load_skills

_CHECK_AGAIN_S: Final = 1.0


class Worker:
    """One worker. Raises SettingsError, SkillsError or Fatal where it could never do its job; connects to nothing.

    Takes the folder of its store, until `run` returns or the process ends.
    """

    def __init__(self, settings: Settings, log: LineHandler | None = None) -> None:
        require_secrets(settings)
        require_spending(settings)
        proxy_rules(settings)
        self._settings = settings
        channels, dialects = Channels.of(settings), load_dialects(settings.mapping)
        self._metrics = Metrics(vocabulary=dialects.vocabulary)
        seen, failures = SeenNames(settings.seen_names, self._metrics.seen_names_dropped.add), SourceFailures()
        if log is not None:
            log.on_left_out = self._metrics.log_lines_left_out.add
        CheckedBatches.on_too_large = self._metrics.batches_too_large.add
        tenants = tenant_decoding(settings)
        self._observer = StreamObserver(
            self._metrics,
            seen,
            failures,
            lambda found: self._watching.figures.note_dead_letters(found),
            None if tenants is None else tenants.tenancy.of_record,
        )
        self._keyring = Keyring(settings)
        self._pipeline = Pipeline(
            load_skills(settings.skills),
            artifact_of(settings),
            on_failure=self._observer.source_failed,
            decode=dialects.within(bounds_of(settings)) if tenants is None else tenants,
            known_ids=settings.known_ids,
            components=settings.components_per_student,
            authentic=self._keyring.authentic,
        )
        self._config_topic = FusionConfigTopic(settings)
        self._config = ConfigFollower(
            self._config_topic,
            self._pipeline,
            CatalogueTopic(settings).publish,
            self._catalogue_waits,
            self._observer.config_refused,
            self._config_changed,
        )
        self._norms_topic = NormsTopic(settings)
        follower: NormsFollower | None = None
        if settings.norms == "on":
            follower = NormsFollower(self._norms_topic, settings.app_id, self._norms_changed, self._metrics)
        self._delivery = delivery_settings(settings)
        self._store = open_store(settings)
        self._app = create_app(self._delivery, self._store)
        self._traced = open_tracing(settings, self._delivery.client_name, self._metrics)
        self._explanations: Explanations | None = None
        if settings.reasoning != "off":
            self._explanations = Explanations(
                settings, self._pipeline, self._app, channels, self._metrics, self._traced
            )
        activity = InputTopic(settings.broker, settings.app_id, channels.activity, settings.start_timeout_s)
        jumps = PositionJumps(settings.on_position_jump, self._observer.jumped)
        holding = None if tenants is None else self._make_holding(channels.activity, tenants)
        self._parts = WorkerParts(
            settings=settings,
            channels=channels,
            metrics=self._metrics,
            keyring=self._keyring,
            pipeline=self._pipeline,
            config=self._config,
            norms=follower,
            app=self._app,
            failures=failures,
            jumps=jumps,
            explanations=self._explanations,
            holding=holding,
        )
        self._identity = InputIdentity(activity, self._app.table, jumps, epoch=settings.epoch)
        epoch_of = self._identity.epoch_of
        self._gate = dead_letter_gate(settings, channels, self._identity, self._keyring.authentic, holding)
        outputs = Outputs(
            channels,
            self._keyring.sign,
            epoch_of,
            now_us,
            self._metrics.dead_letters_packed.add,
            ONE_TENANT if tenants is None else tenants.tenancy,
            dead_letter_writer(settings, self._keyring),
        )
        self._journals: NormJournals | None = None
        if settings.norms == "on":
            self._journals = NormJournals(
                self._app.table, epoch_of, settings.norm_items, self._metrics.norm_journal_bytes.add
            )
        self._acceptor, self._erased_meanwhile = self._make_acceptor(), FoldedMeanwhile(self._keyring.authentic)
        steps = topic_steps(
            self._parts,
            self._identity,
            self._gate,
            outputs,
            self._observer,
            self._traced,
            self._journals,
            self._acceptor.accept,
            self._erased_meanwhile,
        )
        self._app.attach(
            CheckpointedStep(steps, self._identity, channels.activity),
            DeliveryHooks(self._recovered, self._revoked, self._observer.repaired, jumps.note),
        )
        self._rescorer = self._make_rescorer(outputs)
        self._norms = self._make_norms(dialects.courses)
        self._recovering_since_s = time.monotonic()
        self._watching = Watching(self._parts, seen)

    def run(self) -> int:
        """Make or check the topics, then work until SIGTERM, SIGINT or a fatal error. Returns the exit code. Blocks."""
        lifecycle.begins(
            self._settings,
            client=self._delivery.client_name,
            model=self._pipeline.artifact.id,
            config_version=self._pipeline.config_version,
        )
        specs = [*self._parts.channels.specs(self._settings), changelog_spec(self._delivery)]
        ensure_topics(self._settings.broker, specs, self._settings.start_timeout_s)
        self._keyring.open_or_make()
        self._metrics.built(self._pipeline.config_version, self._pipeline.artifact.id)
        self._config.begin(self._settings.start_timeout_s)
        if self._parts.norms is not None:
            self._parts.norms.begin(self._settings.start_timeout_s)
        note_certificates(self._parts)
        self._metrics.before_render(self._refresh)
        collect_rarely()
        try:
            validate_store(self._store, self._settings, self._delivery.changelog_topic)
            return run_worker(self._app, self._beside)
        finally:
            self._store.close()
            self._config_topic.close()
            if self._norms is not None:
                self._norms.close()
            if self._parts.holding is not None:
                self._parts.holding.close()

    @property
    def pages(self) -> tuple[Page, ...]:
        """All that it serves while it runs."""
        return self._watching.pages

    @property
    def ended_because(self) -> str:
        """Why `run` returned; the message of an error of ours, of another only the type."""
        failure = self._app.failure
        return "asked to stop, all that was in flight is committed" if failure is None else description_of(failure)

    @asynccontextmanager
    async def _beside(self) -> AsyncIterator[None]:
        """What runs beside delivery, from before its start until after its stop."""
        async with AsyncExitStack() as stack:
            if self._traced is not None:
                stack.push_async_callback(self._traced.aclose)
            if self._explanations is not None:
                await stack.enter_async_context(self._explanations.ready())
            await stack.enter_async_context(self._watching.served())
            running = [
                *self._watching.jobs(),
                self._identity.watch(),
                self._config.follow(self._settings.fusion_config_poll_s),
                self._rescorer.run(),
                secret_rotation(self._settings).watch(self._settings.secrets_poll_s),
                self._acceptor.run(),
            ]
            if self._norms is not None:
                running += self._norms.jobs()
            if self._parts.holding is not None:
                assert self._app.delivery_agent is not None, "attached before"
                running.append(self._parts.holding.follow(self._app.delivery_agent))
            if self._explanations is not None:
                running += [self._explanations.serve(), self._explanations.watch_redis()]
            tasks = [asyncio.create_task(self._app.switch.run_beside(job, self._is_stopping)) for job in running]
            try:
                yield
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                if self._app.failure is None:
                    await self._watching.leave()

    def _is_stopping(self) -> bool:
        return bool(self._app.should_stop)

    async def _recovered(self, active: frozenset[int]) -> None:
        try:
            await self._check_inputs(active)
        except IdentityLost:
            if self._app.ownership.active == active:
                raise
        if self._app.ownership.active != active:
            return  # they moved on meanwhile, and their offsets with them: whoever owns them checks them
        if self._parts.holding is not None:
            await self._parts.holding.recovered(active)
        if self._journals is not None:
            self._journals.restore(active)
        took_s = time.monotonic() - self._recovering_since_s
        self._metrics.recovery_duration_s.observe(took_s)
        table = self._app.table
        lifecycle.recovered(len(table.rows), table.restored_records, took_s)
        if self._explanations is not None:
            self._explanations.rebuild(active)

    async def _check_inputs(self, active: frozenset[int]) -> None:
        """Identity.check, as soon as the broker answers what it asks."""
        try:
            while True:
                try:
                    return await self._identity.check(active)
                except BrokerUnavailable as unknown:
                    self._app.outage.begin("input topic", unknown)
                await asyncio.sleep(_CHECK_AGAIN_S)
        finally:
            self._app.outage.back("input topic")

    async def _revoked(self, partitions: frozenset[int]) -> None:
        lifecycle.revoked(partitions)
        self._recovering_since_s = time.monotonic()
        self._metrics.rebalances.add()
        self._gate.drop(partitions)
        self._erased_meanwhile.drop(partitions)
        if self._journals is not None:
            self._journals.drop(partitions)
        if self._norms is not None:
            self._norms.drop(partitions)
        self._rescorer.interrupt()
        if self._explanations is not None:
            self._explanations.drop(partitions)

    def _catalogue_waits(self, unanswered: BrokerUnavailable | None) -> None:
        if unanswered is None:
            self._app.outage.back("catalogue")
        else:
            self._app.outage.begin("catalogue", unanswered)

    def _config_changed(self, config_version: str) -> None:
        self._metrics.built(config_version, self._pipeline.artifact.id)

    def _norms_changed(self, view: NormView) -> None:
        self._pipeline.put_norms(view)
        lifecycle.norms_in_force(view.snapshot)

    def _refresh(self) -> None:
        self._watching.refresh()
        self._metrics.dead_letter_ratio.set(self._gate.share)
        if self._parts.holding is not None:
            held = self._parts.holding.by_tenant().items()
            self._metrics.tenant_held.replace({(tenant,): float(len(partitions)) for tenant, partitions in held})
        if self._norms is not None:
            self._norms.refresh()

    def _make_holding(self, activity: str, tenants: TenantDecoding) -> TenantHolding:
        settings, app = self._settings, self._app
        input_topic = InputTopic(settings.broker, settings.app_id, activity, settings.start_timeout_s)
        return TenantHolding(HoldTopic(settings), input_topic, tenants, app.delivery, lambda: app.ownership.active)

    def _make_acceptor(self) -> ErasureAcceptor:
        settings, channels, app = self._settings, self._parts.channels, self._app
        activity = InputTopic(settings.broker, settings.app_id, channels.activity, settings.start_timeout_s)
        return ErasureAcceptor(
            channels.erasures,
            lambda: activity.ends(settings.partitions),
            app.writer.send,
            self._keyring.sign,
            app.outage,
        )

    def _make_rescorer(self, outputs: Outputs) -> Rescorer:
        app = self._app
        assert app.delivery_agent is not None, "made after the app's step is attached"
        return Rescorer(
            RescoringStep(self._pipeline, app.table.rows, outputs, self._observer.rescored),
            app.delivery_agent,
            app.table.rows,
            self._identity,
            lambda: self._config.rescore,
            app.complete_partitions,
            self._settings.rescore_students_per_s,
        )

    def _make_norms(self, courses: Mapping[str, str]) -> WorkerNorms | None:
        if self._journals is None or self._parts.norms is None:
            return None
        assert self._app.delivery_agent is not None, "made after the app's step is attached"
        writer = self._app.delivery_agent
        return WorkerNorms(self._parts, self._parts.norms, self._norms_topic, self._journals, writer, courses)
