"""What is configured in a deployment, as its workers see it. Blocks."""

from collections.abc import Sequence
from contextlib import closing, suppress

from agents.config.channels import Channels
from agents.config.models import artifact_of
from agents.config.settings import Settings
from agents.fusion_config.topic import FusionConfigTopic
from agents.kafka.errors import NoSuchTopic
from agents.kafka.topics import ensure_topics
from schemas.fusion_config import Overrides
from streams.evidence.registry import config_version, types_of
from streams.scoring.config_log import ConfigLog, ConfigRecord, encoded_config, encoded_request
from streams.scoring.kinds import fitted_skills
from streams.scoring.overrides import NO_OVERRIDES, Configured, apply_overrides, config_version_under
from streams.skills.skills_file import load_skills


class DeployedConfig:
    """The skills file and the artifact of these settings, and what `fusion-config` says of them; read at once.

    Raises SkillsError, ArtifactError, BrokerUnavailable, TopicForbidden.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._skill_set, self._artifact = load_skills(settings.skills), artifact_of(settings)
        self._base_version = config_version(self._skill_set, types_of(self._skill_set), self._artifact)
        log = ConfigLog(self.configured)
        self.history: Sequence[ConfigRecord] = ()
        with closing(FusionConfigTopic(settings)) as topic, suppress(NoSuchTopic):
            self.history = log.note_all(topic.read_on())
        self.in_force = log.in_force
        self.refused = log.refused

    @property
    def overrides(self) -> Overrides:
        """Those in force."""
        return NO_OVERRIDES if self.in_force is None else self.in_force.overrides

    def configured(self, overrides: Overrides) -> Configured:
        """What workers would score with. Raises ConfigRefused, as they would."""
        return apply_overrides(overrides, self._skill_set, self._artifact)

    def without_score(self, overrides: Overrides) -> list[str]:
        """Skills whose weights are overridden, and that have no score which a weight could move: profiles."""
        fitted = fitted_skills(self._skill_set, self._artifact)
        return [skill for skill in overrides.weights if skill not in fitted]

    def config_version(self, overrides: Overrides) -> str:
        """What updates would name."""
        return config_version_under(overrides, self._base_version)

    def write(self, overrides: Overrides, reason: str) -> None:
        """Put it in force; returns when the broker has confirmed it. Makes the topic where it is missing.

        Raises TopicMismatch, BrokerUnavailable.
        """
        self._write(*encoded_config(overrides, reason))

    def request_rescoring(self, reason: str) -> None:
        """Ask the workers to score all students; as `write`."""
        self._write(*encoded_request(reason))

    def _write(self, key: bytes, value: bytes) -> None:
        settings, name = self._settings, Channels.of(self._settings).fusion_config
        specs = [spec for spec in Channels.of(settings).specs(settings) if spec.name == name]
        ensure_topics(settings.broker, specs, settings.start_timeout_s)
        with closing(FusionConfigTopic(settings)) as topic:
            topic.write(key, value)
