"""Why delivery stops: every Fatal ends the worker un-acked, so that a restart replays.

Fatal
├── RecordTooLarge     a record to send that no batch may hold
├── BrokerWaitExceeded the broker was waited for long enough
├── SendFailed         a send failed, or was cancelled
├── CommitRejected     the broker refused a commit though the partitions are ours
├── GroupLost          the worker can't be a member of its consumer group
├── SessionLost        the group has expelled this member: it may be a zombie
├── UnreadableLog      the table's changelog holds what is no row
├── LogCut             the table's changelog ends before what memory holds of it
├── DrainTimedOut      work in flight didn't end in time, at a rebalance or at the stop
└── AgentEnded         the table's agent returned while the worker ran
"""

from schemas.errors import Fatal


class RecordTooLarge(Fatal):
    """A record to send that no batch may hold."""


class BrokerWaitExceeded(Fatal):
    """The broker was waited for long enough: not a fault of the state, and a restart may as well wait."""


class SendFailed(Fatal):
    """A send failed, or was cancelled."""


class CommitRejected(Fatal):
    """The broker refused a commit though the partitions are ours."""


class GroupLost(Fatal):
    """The worker can't be a member of its consumer group."""


class SessionLost(Fatal):
    """The group has expelled this member: others may own its partitions, and it must write nothing more."""


class UnreadableLog(Fatal):
    """The table's changelog holds what is no row: a record without a key, or a batch that cannot be unpacked."""


class LogCut(Fatal):
    """The table's changelog ends before what memory holds of it."""


class DrainTimedOut(Fatal):
    """Work in flight didn't end in time, at a rebalance or at the stop."""


class AgentEnded(Fatal):
    """The table's agent returned while the worker ran."""
