"""The audit trail of a worker: what was recorded, and what waits."""

from typing import Literal, get_args

from agents.metrics.instruments import CounterBy, Declarations

AuditedOutcome = Literal["confirmed", "refused"]


class AuditMetrics:
    """Of the records that this worker writes."""

    def __init__(self, declare: Declarations) -> None:
        self.audit_records: CounterBy[AuditedOutcome] = declare.counter_by(
            "outcome",
            "audit_records",
            "records",
            "Records of the audit trail that the broker has confirmed, and acts that were `refused` because none could "
            "be written: for half a minute, or with too many waiting.",
            get_args(AuditedOutcome),
        )
        self.audit_waiting = declare.gauge(
            "audit_waiting", "records", "Records of the audit trail that the broker has not confirmed.", adds_up="yes"
        )
