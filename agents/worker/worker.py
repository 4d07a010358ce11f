"""A worker, put together: delivery, the students' step, explanations, web pages; started and stopped in order."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Final

from agents.config.channels import Channels
from agents.config.dialects import bounds_of, load_dialects
from agents.config.header_keys import Keyring
from agents.config.settings import Settings, require_secrets
from agents.config.spending import require_spending
from agents.dashboard.drawing import Drawing
from agents.dashboard.gathering import FigureGathering, Reasoning
from agents.dashboard.level_sample import LevelSample
from agents.dashboard.members import DASHBOARD_PART
from agents.dashboard.sums import LAST_DEAD_LETTERS
from agents.delivery.deployment import delivery_settings
from agents.delivery.faust.app import create_app
from agents.delivery.faust.run import run_worker
from agents.delivery.ownership import DeliveryHooks
from agents.delivery.settings import changelog_spec
from agents.fusion_config.catalogue import CatalogueTopic
from agents.fusion_config.following import ConfigFollower
from agents.fusion_config.topic import FusionConfigTopic
from agents.health import BrokerPing, ConfigState, Health, HealthBounds, ReasoningState, Server, SourceFailures, Watched
from agents.health.assessment import description_of
from agents.health.lag import BrokerOffsets, LagBounds, LagMonitor, publish_group_lag
from agents.kafka.certificates import ends_of
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.input_topic import InputTopic
from agents.kafka.topics import ensure_topics
from agents.kafka.unpacking import CheckedBatches
from agents.logs import LineHandler, lifecycle
from agents.metrics import Metrics
from agents.metrics.seen_names import SeenNames
from agents.operations.dead_letters.gate import DeadLetterGate
from agents.operations.dead_letters.past import PastDeadLetters
from agents.peers.own import named_in
from agents.reasoning.service import Explanations
from agents.reasoning.setup import now_us, policy_of
from agents.stores.opening import open_store, validate_store
from agents.tracing import open_tracing
from agents.web import Bounds, RoleTokens, WebServer
from agents.web.dashboard import dashboard_pages
from agents.web.streaming import EventStreams
from agents.worker.answering import Answering
from agents.worker.figures import figure_parts
from agents.worker.garbage_collection import collect_rarely
from agents.worker.input_identity import CheckpointedStep, InputIdentity
from agents.worker.internal_steps import Erasing, InternalStep, QueuedRows, ResultReading
from agents.worker.outputs import Outputs
from agents.worker.position_jumps import Jump, PositionJumps
from agents.worker.rescoring import Rescorer, RescoringStep
from agents.worker.student_step import StudentStep, TopicSteps, most_students
from schemas.dialects import Record
from streams.context import ProcessingContext, no_attention, nothing_noted
from streams.evidence.artifacts import load_artifact
from streams.input.checkpoint import IdentityLost
from streams.input.partitioner import partitioner
from streams.input.placement import KeyPlacement
from streams.input.poison import PoisonLimits
from streams.input.signature import Authentic
from streams.pipeline import BatchOutcome, Pipeline
from streams.reasoning.policy.marking import PendingMarker
from streams.scoring.config_log import RefusedEntry
from streams.scoring.kinds import fitted_skills
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills

_log = logging.getLogger(__name__)
_CHECK_AGAIN_S: Final = 1.0
_REPORTER: Final = 0
"""Its owner reports what one worker of a group should."""


class Worker:
    """One worker. Raises SettingsError, SkillsError or Fatal where it could never do its job; connects to nothing.

    Takes the folder of its store, until `run` returns or the process ends.
    """

    def __init__(self, settings: Settings, log: LineHandler | None = None) -> None:
        require_secrets(settings)
        require_spending(settings)
        self._settings = settings
        self._channels = Channels.of(settings)
        dialects = load_dialects(settings.mapping)
        self._metrics = Metrics(vocabulary=dialects.vocabulary)
        self._seen = SeenNames(settings.seen_names, self._metrics.seen_names_dropped.add)
        if log is not None:
            log.on_left_out = self._metrics.log_lines_left_out.add
        CheckedBatches.on_too_large = self._metrics.batches_too_large.add
        self._failures = SourceFailures()
        self._keyring = Keyring(settings)
        skill_set, artifact = load_skills(settings.skills), load_artifact(settings.model)
        decode = dialects.within(bounds_of(settings))
        self._pipeline = Pipeline(
            skill_set,
            artifact,
            on_failure=self._source_failed,
            decode=decode,
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
            self._config_refused,
            self._config_changed,
        )
        self._delivery = delivery_settings(settings)
        self._store = open_store(settings)
        self._app = create_app(self._delivery, self._store)
        self._traced = open_tracing(settings, self._delivery.client_name, self._metrics)
        self._explanations: Explanations | None = None
        if settings.reasoning != "off":
            self._explanations = Explanations(
                settings, self._pipeline, self._app, self._channels, self._metrics, self._traced
            )
        activity = InputTopic(settings.broker, settings.app_id, self._channels.activity, settings.start_timeout_s)
        self._jumps = PositionJumps(settings.on_position_jump, self._jumped)
        self._identity = InputIdentity(activity, self._app.table, self._jumps, epoch=settings.epoch)
        self._gate = _gate(settings, self._channels, self._identity.epoch_of, self._keyring.authentic)
        step = CheckpointedStep(self._step(), self._identity, self._channels.activity)
        self._app.attach(step, DeliveryHooks(self._recovered, self._revoked, self._repaired, self._jumps.note))
        self._rescorer = self._make_rescorer()
        self._recovering_since_s = time.monotonic()
        self._lag = LagMonitor(
            BrokerOffsets(settings.broker, settings.app_id, self._channels.sources, settings.partitions),
            window_s=settings.lag_window_s,
        )
        self._health = self._make_health()
        self._figures = self._make_figures()
        self._answering = Answering(
            settings,
            self._channels,
            self._app,
            self._pipeline,
            self._keyring,
            self._metrics,
            lambda: self._config.overrides,
            {**figure_parts(self._metrics, self._health, self._lag), DASHBOARD_PART: self._figures.now},
        )
        self._web = WebServer(
            settings.web_host,
            settings.web_port,
            health=self._health,
            lag=self._lag,
            metrics=self._metrics,
            tokens=RoleTokens.of(settings),
            session_s=settings.session_s,
            wrong_tokens_per_minute=settings.wrong_tokens_per_minute,
            hosts=(*settings.web_hosts, *named_in(settings.advertised_url)),
            bounds=Bounds(settings.web_connections, settings.web_header_timeout_s),
            seen=self._seen,
            pages=[
                *self._answering.pages,
                *dashboard_pages(
                    Drawing(self._answering.group.now),
                    EventStreams(settings.web_streams, partial(self._metrics.web_refused.add, "streams")),
                    settings.app_id,
                    students=bool(settings.reader_token),
                ),
            ],
            instance=self._answering.own.instance,
        )

    def run(self) -> int:
        """Make or check the topics, then work until SIGTERM, SIGINT or a fatal error. Returns the exit code. Blocks."""
        lifecycle.begins(
            self._settings,
            client=self._delivery.client_name,
            model=self._pipeline.artifact.id,
            config_version=self._pipeline.config_version,
        )
        specs = [*self._channels.specs(self._settings), changelog_spec(self._delivery)]
        ensure_topics(self._settings.broker, specs, self._settings.start_timeout_s)
        self._keyring.open_or_make()
        self._metrics.built(self._pipeline.config_version, self._pipeline.artifact.id)
        self._config.begin(self._settings.start_timeout_s)
        given = self._settings
        files = {"broker_ca": given.broker_ca, "broker_certificate": given.broker_certificate}
        self._metrics.certificate_end_s.replace({(setting,): end_s for setting, end_s in ends_of(files).items()})
        self._metrics.before_render(self._refresh)
        collect_rarely()
        try:
            validate_store(self._store, self._settings, self._delivery.changelog_topic)
            return run_worker(self._app, self._beside)
        finally:
            self._store.close()
            self._config_topic.close()

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
            stack.push_async_callback(self._answering.close)
            await self._web.start()
            stack.push_async_callback(self._web.stop)
            self._answering.own.pages_port = self._web.port
            _log.info("Pages at %s", self._web.url)
            running = [
                self._lag.run(),
                self._health.watch(self._app.switch.halt),
                self._identity.watch(),
                self._config.follow(self._settings.fusion_config_poll_s),
                self._rescorer.run(),
                self._figures.run(),
                self._answering.announcer.run(),
            ]
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
                    await self._answering.announcer.leave()

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
        self._rescorer.interrupt()
        if self._explanations is not None:
            self._explanations.drop(partitions)

    def _repaired(self, _partition: int, rows: int) -> None:
        self._metrics.rows_repaired.add(rows)

    def _jumped(self, jump: Jump) -> None:
        self._metrics.position_jumps.add(jump.topic)
        self._metrics.skipped_offsets.add(jump.topic, jump.offsets)

    def _processed(self, outcome: BatchOutcome, duration_s: float) -> None:
        results = outcome.partitions.values()
        self._metrics.add_counts(outcome.counts)
        self._seen.add(outcome.counts.unknown)
        self._metrics.batches.add()
        self._metrics.batch_records.observe(outcome.counts.records_in)
        self._metrics.step_duration_s.observe(duration_s)
        sizes = (len(row) for result in results for row in result.rows.values() if row is not None)
        if (largest := max(sizes, default=0)) > 0:
            self._metrics.row_bytes.observe(largest)
        self._metrics.updates.add(sum(len(result.updates) for result in results))
        for result in results:
            self._figures.note_dead_letters(found for _, found in result.dead_letters[-LAST_DEAD_LETTERS:])
        for record in (record for result in results for record in result.attention):
            self._metrics.attention_records.add(record.reason)
            lifecycle.attention_raised(record.reason)
        if outcome.scored is not None:
            self._metrics.degraded_updates.add(outcome.scored.degraded)

    def _confirmed(self, records: Sequence[Record]) -> None:
        self._metrics.latency_s.observe([record.timestamp for record in records], time.time() * 1000)

    def _source_failed(self, source: str, error: BaseException) -> None:
        self._metrics.source_failures.add(source)
        self._failures.note(source)
        _log.warning("Source %s failed, scores go on without it: %r", source, error)

    def _catalogue_waits(self, unanswered: BrokerUnavailable | None) -> None:
        if unanswered is None:
            self._app.outage.back("catalogue")
        else:
            self._app.outage.begin("catalogue", unanswered)

    def _config_refused(self, entry: RefusedEntry) -> None:
        self._metrics.fusion_config_refused.add(entry.refusal)

    def _rescored(self, students: int) -> None:
        self._metrics.rescored_students.add(students)
        self._metrics.updates.add(students)

    def _config_changed(self, config_version: str) -> None:
        self._metrics.built(config_version, self._pipeline.artifact.id)

    def _refresh(self) -> None:
        self._lag.publish(self._metrics)
        reported = self._lag.current() if _REPORTER in self._app.ownership.active else None
        publish_group_lag(reported, self._metrics, self._settings.app_id, self._settings.cluster_name)
        self._metrics.dead_letter_ratio.set(self._gate.share)
        self._metrics.students.set(len(self._app.table.rows))
        self._metrics.partitions_owned.set(len(self._app.ownership.active))
        self._metrics.table_recovered.set(float(self._app.table_recovered))
        self._metrics.broker_outage_s.set(self._app.outage.age_s)
        self._metrics.loop_longest_block_s.set(self._app.longest_block_s)
        if self._explanations is not None:
            self._explanations.refresh()

    def _step(self) -> TopicSteps:
        """The steps of all topics that the worker reads."""
        channels, rows, policy = self._channels, self._app.table.rows, policy_of(self._settings)
        pipeline, tally = self._pipeline, self._metrics.internal_records.add
        queue = self._explanations.queue if self._explanations is not None else None
        marker = PendingMarker(queue, policy, lambda: self._skill_set().levels, now_us) if queue is not None else None
        outputs = self._outputs()
        context = ProcessingContext(
            rows=rows,
            owning_partition=KeyPlacement(partitioner(self._settings.partitioner), self._settings.partitions),
            epoch_of=self._identity.epoch_of,
            most_students=most_students(len(pipeline.skill_set.names)),
            gate=self._gate.check,
            note_pending=marker or nothing_noted,
            attention_from=self._identity.new_from if channels.attention else no_attention,
        )
        queued = QueuedRows(rows, queue)
        fitted = fitted_skills(self._skill_set(), self._pipeline.artifact)
        reading = ResultReading(queued, self._skill_set, policy, fitted)
        erasing = Erasing(queued, context.owning_partition, channels)
        return TopicSteps(
            {
                channels.activity: StudentStep(
                    pipeline,
                    context,
                    outputs,
                    self._processed,
                    marker.offer if marker else _nobody_is_owed,
                    self._confirmed,
                    self._traced,
                ),
                channels.results: InternalStep(reading, "results_dead_lettered", outputs, tally),
                channels.erasures: InternalStep(erasing, "erasures_dead_lettered", outputs, tally),
            }
        )

    def _outputs(self) -> Outputs:
        packed = self._metrics.dead_letters_packed.add
        return Outputs(self._channels, self._keyring.sign, self._identity.epoch_of, now_us, packed)

    def _make_rescorer(self) -> Rescorer:
        app, settings = self._app, self._settings
        assert app.delivery_agent is not None, "made after the app's step is attached"
        step = RescoringStep(self._pipeline, app.table.rows, self._outputs(), self._rescored)
        return Rescorer(
            step,
            app.delivery_agent,
            app.table.rows,
            self._identity,
            lambda: self._config.rescore,
            self._app.complete_partitions,
            settings.rescore_students_per_s,
        )

    def _make_figures(self) -> FigureGathering:
        """What the dashboard shows of this worker."""
        app, asked = self._app, self._explanations
        reasoning = Reasoning()
        if asked is not None:
            queue = asked.queue
            reasoning = Reasoning(asked.state, lambda: len(queue), lambda: queue.oldest_us)
        return FigureGathering(
            self._metrics,
            self._health,
            self._lag,
            levels=LevelSample(app.table.rows, self._pipeline, lambda: app.ownership.active).now,
            failures=self._failures,
            sources=self._pipeline.skill_set.source_names,
            reasoning=reasoning,
        )

    def _skill_set(self) -> SkillSet:
        """As it is configured now."""
        return self._pipeline.scorer.skill_set

    def _make_health(self) -> Health:
        off = ReasoningState(mode="off")
        watched = Watched(
            worker=self._app,
            lag=self._lag,
            broker=Server(self._settings.broker, BrokerPing(self._settings.broker, self._channels.activity)),
            redis=self._explanations.redis if self._explanations is not None else None,
            reasoning=self._explanations.state if self._explanations is not None else lambda: off,
            model=self._pipeline.artifact.id,
            model_skills=len(self._pipeline.artifact.card.skills),
            failures=self._failures,
            beyond_horizon=lambda: int(self._metrics.events_beyond_horizon.value),
            jumped=self._jumps.reason,
            config=lambda: ConfigState(self._pipeline.config_version, self._config.problem),
        )
        settings = self._settings
        bounds = HealthBounds(
            stall_after_s=settings.stall_after_s,
            held_bearable_s=settings.open_transaction_s,
            lag=LagBounds.of(settings),
        )
        return Health(watched, bounds)


def _nobody_is_owed(_partition: int) -> None:
    """Without explanations."""


def _gate(settings: Settings, channels: Channels, epoch: Callable[[int], int], authentic: Authentic) -> DeadLetterGate:
    limits = PoisonLimits(
        max_ratio=settings.dead_letter_max_ratio,
        window_records=settings.dead_letter_min_records,
        max_consecutive=settings.dead_letter_max_consecutive,
    )
    past = PastDeadLetters(settings.broker, channels.dead_letters, channels.activity, epoch, authentic)
    return DeadLetterGate(limits, past, authentic)
