"""Why delivery stops: every one of these ends the worker un-acked, so that a restart replays.

Fatal
├── RecordTooLarge     a record to send that no batch may hold
├── NotConfirmed       the broker didn't confirm a send in time
├── SendFailed         a send failed, or was cancelled
├── CommitRejected     the broker refused a commit though the partitions are ours
├── GroupLost          the worker can't be a member of its consumer group
├── UnreadableLog      the table's changelog holds a record without a key
├── DrainTimedOut      work in flight didn't end in time, at a rebalance or at the stop
└── AgentEnded         the table's agent returned while the worker ran
"""

from schemas.errors import Fatal


class RecordTooLarge(Fatal):
    """A record to send that no batch may hold."""


class NotConfirmed(Fatal):
    """The broker didn't confirm a send in time."""


class SendFailed(Fatal):
    """A send failed, or was cancelled."""


class CommitRejected(Fatal):
    """The broker refused a commit though the partitions are ours."""


class GroupLost(Fatal):
    """The worker can't be a member of its consumer group."""


class UnreadableLog(Fatal):
    """The table's changelog holds a record without a key."""


class DrainTimedOut(Fatal):
    """Work in flight didn't end in time, at a rebalance or at the stop."""


class AgentEnded(Fatal):
    """The table's agent returned while the worker ran."""
