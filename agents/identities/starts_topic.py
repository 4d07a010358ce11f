"""The topic `identity-starts` of a deployment. Blocks."""

from typing import Final

from agents.config.channels import Channels
from agents.config.settings import Settings
from agents.kafka.followed import FollowedTopic
from schemas.dialects import Decode
from streams.input.identity_decoding import IdentityDecoding
from streams.input.identity_starts import StartLog
from streams.input.signature import Authentic

STARTS_PARTITION: Final = 0


def starts_topic(settings: Settings) -> FollowedTopic:
    """The topic; it connects to nothing before it is read or written."""
    name = Channels.of(settings).identity_starts
    return FollowedTopic(settings.broker, settings.app_id, name, settings.start_timeout_s, STARTS_PARTITION)


def identity_decoding(settings: Settings, decode: Decode, authentic: Authentic) -> IdentityDecoding | None:
    """What decodes under what is stated, of which nothing is read yet; None where other ids are off."""
    return IdentityDecoding(decode, authentic) if Channels.of(settings).identity_starts else None


def stated_starts(settings: Settings, topic_id: str) -> StartLog:
    """All that is stated now of the input topic of this id. Raises NoSuchTopic, BrokerUnavailable, TopicForbidden."""
    topic, log = starts_topic(settings), StartLog(topic_id)
    try:
        for records in topic.batches_on():
            for record in records:
                log.note(record)
    finally:
        topic.close()
    return log
