"""What one worker is made of before it has a step: each part by itself, none of which has connected to anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from agents.config.channels import Channels
from agents.config.dialects import bounds_of, load_dialects
from agents.config.header_keys import Keyring
from agents.config.models import artifact_of
from agents.config.settings import Settings
from agents.delivery.deployment import delivery_settings
from agents.delivery.faust.app import DeliveryApp, create_app
from agents.delivery.outage import Outage
from agents.delivery.patience import Patience, until_fresh
from agents.delivery.settings import DeliverySettings
from agents.fusion_config.catalogue import CatalogueTopic
from agents.fusion_config.following import ConfigFollower
from agents.fusion_config.topic import FusionConfigTopic
from agents.health import SourceFailures
from agents.identities.following import IdentityFollower
from agents.identities.starting import IdentityStarting
from agents.identities.starts_topic import starts_topic
from agents.identities.topic import follow_identities
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.input_topic import InputTopic
from agents.kafka.unpacking import CheckedBatches
from agents.logs import LineHandler, lifecycle
from agents.metrics import Metrics
from agents.metrics.seen_names import SeenNames
from agents.norms.following import NormsFollower
from agents.norms.topic import NormsTopic
from agents.reasoning.service import Explanations
from agents.stores.opening import open_store
from agents.stores.store import Store
from agents.tenants.holding import TenantHolding
from agents.tenants.topic import HoldTopic, tenant_decoding
from agents.tracing import Traced, open_tracing
from agents.worker.observing import StreamObserver
from agents.worker.position_jumps import PositionJumps
from schemas.dialects import Decode
from streams.input.identity_decoding import IdentityDecoding
from streams.input.tenancy import ONE_TENANT, UNSIGNED, Tenancy
from streams.input.tenant_decoding import TenantDecoding
from streams.norms.view import NormView
from streams.pipeline import Pipeline
from streams.skills.skill_set import SkillSet
from streams.skills.skills_file import load_skills


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """`explanations` are None where reasoning is off, `norms` where these are, `traced` where nothing is, `holding`
    without tenants, `identities` and `starting` where other ids are unknown. `courses` are copies of courses, as
    `mapping.toml` has them.
    """

    settings: Settings
    channels: Channels
    metrics: Metrics
    seen: SeenNames
    failures: SourceFailures
    observer: StreamObserver
    keyring: Keyring
    tenancy: Tenancy
    courses: Mapping[str, str]
    pipeline: Pipeline
    delivery: DeliverySettings
    store: Store
    app: DeliveryApp
    jumps: PositionJumps
    config: ConfigFollower
    config_topic: FusionConfigTopic
    norms: NormsFollower | None
    norms_topic: NormsTopic
    traced: Traced | None
    explanations: Explanations | None
    holding: TenantHolding | None
    identities: IdentityFollower | None
    starting: IdentityStarting | None

    def skill_set(self) -> SkillSet:
        """As it is configured now."""
        return self.pipeline.scorer.skill_set

    def input_topic(self) -> InputTopic:
        """A reader of its own for whoever asks: each asks from a thread of its own."""
        return _input_topic(self.settings, self.channels)

    def close(self) -> None:
        """Let go of what was opened here."""
        self.store.close()
        self.config_topic.close()
        self.norms_topic.close()
        if self.holding is not None:
            self.holding.close()
        if self.identities is not None:
            self.identities.close()
        if self.starting is not None:
            self.starting.close()


def make_parts(settings: Settings, log: LineHandler | None) -> WorkerParts:
    """Of one worker. Raises SettingsError, SkillsError, StoreInUse, StoreFailed."""
    channels, dialects = Channels.of(settings), load_dialects(settings.mapping)
    metrics = Metrics(vocabulary=dialects.vocabulary)
    if log is not None:
        log.on_left_out = metrics.log_lines_left_out.add
    CheckedBatches.on_too_large = metrics.batches_too_large.add
    tenants, keyring = tenant_decoding(settings), Keyring(settings)
    tenancy = ONE_TENANT if tenants is None else tenants.tenancy
    if tenants is not None:
        metrics.know_tenants((*tenancy.students, UNSIGNED))
    decode: Decode = dialects.within(bounds_of(settings)) if tenants is None else tenants
    identities = follow_identities(settings, tenancy, metrics)
    deciding = None if identities is None else IdentityDecoding(decode, keyring.authentic, identities.known_student)
    seen, failures = SeenNames(settings.seen_names, metrics.seen_names_dropped.add), SourceFailures()
    observer = StreamObserver(metrics, seen, failures, tenants)
    pipeline = Pipeline(
        load_skills(settings.skills),
        artifact_of(settings),
        on_failure=observer.source_failed,
        decode=decode if deciding is None else deciding,
        known_ids=settings.known_ids,
        components=settings.components_per_student,
        authentic=keyring.authentic,
    )
    delivery = delivery_settings(settings)
    store = open_store(settings)
    app = create_app(delivery, store)
    config_topic, norms_topic = FusionConfigTopic(settings), NormsTopic(settings)
    traced = open_tracing(settings, delivery.client_name, metrics)
    return WorkerParts(
        settings=settings,
        channels=channels,
        metrics=metrics,
        seen=seen,
        failures=failures,
        observer=observer,
        keyring=keyring,
        tenancy=tenancy,
        courses=dialects.courses,
        pipeline=pipeline,
        delivery=delivery,
        store=store,
        app=app,
        jumps=PositionJumps(settings.on_position_jump, observer.jumped),
        config=ConfigFollower(
            config_topic,
            pipeline,
            CatalogueTopic(settings).publish,
            partial(_catalogue_waits, app.outage),
            observer.config_refused,
            lambda version: metrics.built(version, pipeline.artifact.id),
        ),
        config_topic=config_topic,
        norms=_norms_follower(settings, norms_topic, pipeline, metrics),
        norms_topic=norms_topic,
        traced=traced,
        explanations=_explanations(settings, pipeline, app, channels, metrics, traced),
        holding=_holding(settings, channels, app, tenants),
        identities=identities,
        starting=_starting(settings, channels, app, deciding),
    )


def _input_topic(settings: Settings, channels: Channels) -> InputTopic:
    return InputTopic(settings.broker, settings.app_id, channels.activity, settings.start_timeout_s)


def _norms_follower(
    settings: Settings, topic: NormsTopic, pipeline: Pipeline, metrics: Metrics
) -> NormsFollower | None:
    if settings.norms == "off":
        return None
    return NormsFollower(topic, settings.app_id, partial(_put_in_force, pipeline), metrics)


def _put_in_force(pipeline: Pipeline, view: NormView) -> None:
    pipeline.put_norms(view)
    lifecycle.norms_in_force(view.snapshot)


def _explanations(
    settings: Settings,
    pipeline: Pipeline,
    app: DeliveryApp,
    channels: Channels,
    metrics: Metrics,
    traced: Traced | None,
) -> Explanations | None:
    return None if settings.reasoning == "off" else Explanations(settings, pipeline, app, channels, metrics, traced)


def _holding(
    settings: Settings, channels: Channels, app: DeliveryApp, tenants: TenantDecoding | None
) -> TenantHolding | None:
    if tenants is None:
        return None
    activity = _input_topic(settings, channels)
    return TenantHolding(HoldTopic(settings), activity, tenants, app.delivery, lambda: app.ownership.active)


def _starting(
    settings: Settings, channels: Channels, app: DeliveryApp, decoding: IdentityDecoding | None
) -> IdentityStarting | None:
    if decoding is None:
        return None
    activity = _input_topic(settings, channels)
    patience = Patience(app.outage, "identity starts")
    in_group = partial(until_fresh, app.delivery.fence, "a start of another id was not stated")
    return IdentityStarting(starts_topic(settings), activity, decoding, patience, in_group, settings.partitions)


def _catalogue_waits(outage: Outage, unanswered: BrokerUnavailable | None) -> None:
    if unanswered is None:
        outage.back("catalogue")
    else:
        outage.begin("catalogue", unanswered)
