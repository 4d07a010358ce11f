"""The topic `identities` of a deployment, as a worker follows it."""

from functools import partial
from typing import Final

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.identities.following import IdentityFollower
from agents.kafka.followed import FollowedTopic
from agents.metrics.declared.pages import PageMetrics
from streams.input.identities import IdentityMap
from streams.input.tenancy import Tenancy

_MB_BYTES: Final = 1024 * 1024


def follow_identities(settings: Settings, tenancy: Tenancy, metrics: PageMetrics) -> IdentityFollower | None:
    """What follows it; None where it is off. Connects to nothing before it looks."""
    name = Channels.of(settings).identities
    if not name:
        return None
    topic = FollowedTopic(settings.broker, settings.app_id, name, settings.start_timeout_s)
    new_map = partial(IdentityMap, tenancy, settings.identities_mb * _MB_BYTES)
    return IdentityFollower(topic, new_map, metrics)
