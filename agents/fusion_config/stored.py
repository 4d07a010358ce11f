"""Configurations by the versions that updates name; read when one is asked for. Blocks."""

from collections.abc import Collection
from contextlib import closing, suppress

from agents.config.settings import Settings
from agents.fusion_config.topic import FusionConfigTopic
from agents.kafka.errors import NoSuchTopic
from agents.kafka.followed import TopicStartedAnew
from schemas.fusion_config import Overrides
from streams.evidence.artifacts import Artifact
from streams.scoring.config_log import ConfigLog
from streams.scoring.overrides import apply_overrides
from streams.skills.skill_set import SkillSet


class StoredConfigurations:
    """Of one deployment. Implements Configurations. Raises BrokerUnavailable, TopicForbidden.

    The topic is read when it is first asked about, and read on at each version that is not known yet: a worker may have
    put it in force meanwhile.
    """

    def __init__(self, settings: Settings, skill_set: SkillSet, artifact: Artifact) -> None:
        self._topic = FusionConfigTopic(settings)
        self._is_read = False
        self._log = ConfigLog(lambda overrides: apply_overrides(overrides, skill_set, artifact))

    def find(self, version: str) -> Overrides | None:
        """See Configurations."""
        if self._log.find(version) is None:
            self._read_on()
        found = self._log.find(version)
        return None if found is None else found.overrides

    def all(self) -> Collection[Overrides]:
        """See Configurations."""
        if not self._is_read:
            self._read_on()
        return [entry.overrides for entry in self._log.entries]

    def _read_on(self) -> None:
        self._is_read = True
        with closing(self._topic) as topic, suppress(NoSuchTopic):
            try:
                self._log.note_all(topic.read_on())
            except TopicStartedAnew:
                self._log.note_all(topic.read_on())
