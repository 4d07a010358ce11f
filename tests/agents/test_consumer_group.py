"""A group that must have no members: what is said where nobody tells whether it has."""

import pytest

from agents.kafka.embedded import EmbeddedBroker
from agents.kafka.errors import BrokerUnavailable
from agents.kafka.group import ConsumerGroup, GroupAtWork


def test_a_broker_that_cannot_tell_a_groups_members_is_refused_at_once() -> None:
    with EmbeddedBroker() as broker, pytest.raises(GroupAtWork, match="no broker to keep data on"):
        ConsumerGroup(broker.bootstrap, "a-group", timeout_s=3_600).require_idle()


def test_without_a_broker_it_is_not_taken_for_a_group_without_members() -> None:
    with pytest.raises(BrokerUnavailable, match=r"does not tell the members of group a-group: .*Unable to bootstrap"):
        ConsumerGroup("127.0.0.1:1", "a-group", timeout_s=0.1).require_idle()
