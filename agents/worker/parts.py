"""What several parts of one worker are made of."""

from dataclasses import dataclass

from agents.config.channels import Channels
from agents.config.header_keys import Keyring
from agents.config.settings import Settings
from agents.delivery.faust.app import DeliveryApp
from agents.fusion_config.following import ConfigFollower
from agents.health import SourceFailures
from agents.metrics import Metrics
from agents.norms.following import NormsFollower
from agents.reasoning.service import Explanations
from agents.tenants.holding import TenantHolding
from agents.worker.position_jumps import PositionJumps
from streams.pipeline import Pipeline
from streams.skills.skill_set import SkillSet


@dataclass(frozen=True, slots=True)
class WorkerParts:
    """`explanations` are None where reasoning is off, `norms` where these are, `holding` without tenants."""

    settings: Settings
    channels: Channels
    metrics: Metrics
    keyring: Keyring
    pipeline: Pipeline
    config: ConfigFollower
    norms: NormsFollower | None
    app: DeliveryApp
    failures: SourceFailures
    jumps: PositionJumps
    explanations: Explanations | None
    holding: TenantHolding | None

    def skill_set(self) -> SkillSet:
        """As it is configured now."""
        return self.pipeline.scorer.skill_set
