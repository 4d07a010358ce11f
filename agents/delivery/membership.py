"""Whether this worker is still in its group, by what the group and its commits say; if not, it has to stop."""

import logging
import time
from collections.abc import Callable
from typing import Final

from aiokafka.errors import (
    GroupAuthorizationFailedError,
    InvalidRequestError,
    KafkaError,
    RebalanceInProgressError,
    TopicAuthorizationFailedError,
)

from agents.delivery.errors import CommitRejected, GroupLost
from agents.delivery.outage import Outage, may_pass

_FAILURES: Final = 3
_FINAL: Final = (GroupAuthorizationFailedError, TopicAuthorizationFailedError)
# The second is the mock cluster's, to a follower that syncs after its leader; Kafka answers with the assignment.
_REBALANCES: Final = (RebalanceInProgressError.__name__, InvalidRequestError.__name__)
_log = logging.getLogger(__name__)


class Membership:
    """Of one consumer. `halt` is called with what has ended it; refused commits are borne for two sessions."""

    def __init__(self, session_timeout_s: float, halt: Callable[[BaseException], None], outage: Outage) -> None:
        self._bearable_s = 2 * session_timeout_s
        self._halt = halt
        self._outage = outage
        self._failures = 0
        self._refused_since_s: float | None = None

    def confirm(self) -> None:
        """It is in the group, and has partitions."""
        self._failures = 0

    def fail(self, error: KafkaError) -> None:
        """It could not join; aiokafka tries again. An unreachable broker is waited for.

        A rebalance that came between is no failure: where one follows another, health's watchdog ends the worker.
        """
        if may_pass(error):
            self._outage.begin("group", error)
            return
        if any(name in str(error) for name in _REBALANCES):  # aiokafka wraps what it does not expect of a join
            _log.warning("The group rebalances while it is joined: %r", error)
            return
        self._failures += 1
        _log.warning("Not in the consumer group, failure %d: %r", self._failures, error)
        if self._failures >= _FAILURES or isinstance(error, _FINAL):
            self._end(GroupLost(f"this worker is not in its consumer group: {error!r}"), error)

    def accept_commits(self) -> None:
        """A commit was accepted, or a rebalance has come."""
        self._outage.back("commit")
        self._refused_since_s = None

    def refuse_commit(self, error: KafkaError) -> None:
        """The group has moved on without us: a rebalance is due, which voids what was to be committed.

        If none came, this worker would go on as a zombie.
        """
        now_s = time.monotonic()
        _log.warning("Commit refused, the group is rebalancing: %r", error)
        if self._refused_since_s is None:
            self._refused_since_s = now_s
        elif now_s - self._refused_since_s > self._bearable_s:
            self._end(CommitRejected("commits are refused, and no rebalance came"), error)

    def reject_commit(self, partitions: int, error: BaseException, unanswered_s: float = 0.0) -> None:
        """A commit failed for another reason than a rebalance; while the broker is away it is offered again."""
        if may_pass(error):
            self._outage.begin("commit", error, unanswered_s)
            return
        self._end(CommitRejected(f"the commit of {partitions} partitions was rejected: {error!r}"), error)

    def _end(self, reason: BaseException, cause: BaseException) -> None:
        reason.__cause__ = cause
        self._halt(reason)
