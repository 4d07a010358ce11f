"""Whether the dead letters that are there may be compacted: only where each has a key of its own."""

from typing import Final

from agents.config.settings import Settings
from agents.kafka.reader import read_to_end
from schemas.dead_letter_content import is_own_key

TOO_EARLY: Final = (
    "there are dead letters without a key of their own, and compaction would lose them: once they are sent back and "
    "deleted, or past their retention, `skillstream topics check` prints the command that sets the policy"
)


def may_be_compacted(settings: Settings, topic: str) -> bool:
    """Reads all that are there. Blocks. Raises BrokerUnavailable, TopicForbidden."""
    return all(is_own_key(message.key()) for message in read_to_end(settings.broker, topic))
