"""The topic `fusion-config` of a deployment. Blocks."""

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.followed import FollowedTopic
from streams.scoring.config_log import CONFIG_PARTITION


class FusionConfigTopic(FollowedTopic):
    """See FollowedTopic."""

    def __init__(self, settings: Settings) -> None:
        name = Channels.of(settings).fusion_config
        super().__init__(settings.broker, settings.app_id, name, settings.start_timeout_s)

    def write(self, key: bytes, value: bytes) -> None:
        """Append a record, and wait until the broker has confirmed it. Raises BrokerUnavailable."""
        self.append(CONFIG_PARTITION, key, value)
