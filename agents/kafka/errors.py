"""What Kafka refuses, for everything that asks it from outside of the worker's own consumer.

SkillstreamError
├── BrokerUnavailable (Retryable)   it did not answer, or did not do what was asked, within the time given
├── TopicForbidden    (Fatal)       it does not let this client read, or know that the topic is there
├── DamagedBatch      (Fatal)       it gives out a record batch whose checksum is wrong
└── NoSuchTopic                     it has no topic of that name
"""

from typing import Final

from confluent_kafka import KafkaError, KafkaException

from schemas.errors import Fatal, Retryable, SkillstreamError

_NO_ANSWER: Final = (
    KafkaError._TRANSPORT,
    KafkaError._TIMED_OUT,
    KafkaError._ALL_BROKERS_DOWN,
    KafkaError.REQUEST_TIMED_OUT,
    KafkaError.NOT_CONTROLLER,
    KafkaError.BROKER_NOT_AVAILABLE,
)
_NOT_ALLOWED: Final = (
    KafkaError.TOPIC_AUTHORIZATION_FAILED,
    KafkaError.GROUP_AUTHORIZATION_FAILED,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED,
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
)
ALLOW_IT: Final = "see 'A cluster that is locked down' in docs/operating.md"


class BrokerUnavailable(Retryable):
    """Kafka does not answer: what was asked may be asked again. The message says what it was."""


class TopicForbidden(Fatal):
    """The broker does not let this client read a topic: waiting does not help."""


class DamagedBatch(Fatal):
    """The broker gives out a record batch whose checksum is wrong: its disk, or what carries it, is damaged."""


class NoSuchTopic(SkillstreamError):
    """There is no topic of that name."""


def message_of(error: KafkaException | TimeoutError) -> str:
    """The broker's or the client's own words; 'no answer' where there are none."""
    return text_of_error(error.args[0]) if isinstance(error, KafkaException) else "no answer"


def text_of_error(error: KafkaError) -> str:
    """Its own words; with what to do where an access list is the reason."""
    said = str(error.str())
    return f"{said.rstrip('.')}: {ALLOW_IT}" if is_forbidden(error) else said


def is_forbidden(error: KafkaError) -> bool:
    """Whether an access list is the reason."""
    return error.code() in _NOT_ALLOWED


def is_unanswered(error: KafkaError) -> bool:
    """Whether nobody was there to do what was asked, or nobody in time."""
    return error.code() in _NO_ANSWER
