"""Of tenants, where several share the deployment. Labels are names of the operator's file, and `unsigned`."""

from collections.abc import Iterable

from agents.metrics.instruments import CounterBy, CounterByTenant, Declarations


class TenantMetrics:
    """By tenant; nothing where there are none."""

    def __init__(self, declare: Declarations) -> None:
        self.tenant_records: CounterBy[str] = declare.counter_by(
            "tenant",
            "tenant_records",
            "records",
            "Records of student-activity by the tenant that they prove, where there are any (docs/tenants.md); "
            "`unsigned`: none. One that was sent on to its partition counts again there, and one that is decoded again "
            "as its tenant is held counts twice.",
        )
        self.tenant_events: CounterBy[str] = declare.counter_by(
            "tenant", "tenant_events", "events", "Events that were read in those records, whatever became of them."
        )
        self.tenant_updates: CounterBy[str] = declare.counter_by(
            "tenant", "tenant_updates", "messages", "Updates by the student's tenant: a part of updates."
        )
        self.tenant_dead_letters: CounterBy[str] = declare.counter_by(
            "tenant",
            "tenant_dead_letters",
            "events",
            "Dead letters by the tenant whose records they are of, where there are any (docs/tenants.md): a part of "
            "dead_letters. `unsigned`: of records that prove no tenant.",
        )
        self.tenant_held = declare.gauge_by(
            ("tenant",),
            "tenant_held_partitions",
            "partitions",
            "Partitions on which a tenant is held, having had too many dead letters: what it writes there is kept as "
            "dead letters `tenant_held`. Every worker reports all: take the max by tenant. Absent where none is.",
        )
        self.tenant_reads: CounterByTenant = declare.counter_by_tenant(
            "outcome",
            "tenant_reads",
            "requests",
            "Requests to pages of students with a tenant's own token: `admitted`; `refused`, being about somebody "
            "else's student or nobody. What another worker asks on behalf of a reader counts there, too.",
        )
        self.tenant_explanations: CounterByTenant = declare.counter_by_tenant(
            "outcome",
            "tenant_explanations",
            "messages",
            "The same explanations by the student's tenant, where there are any: `model`, `reused` (a kept answer), "
            "`scripted`, or why the template wrote them, as `template_spent`.",
        )
        self.tenant_calls: CounterByTenant = declare.counter_by_tenant(
            "outcome", "tenant_calls", "calls", "The same calls to the reasoning model by the student's tenant."
        )
        self.tenant_calls_refused: CounterByTenant = declare.counter_by_tenant(
            "bucket",
            "tenant_calls_refused",
            "calls",
            "Calls that a tenant's own limit refused, as `calls/hour`: a part of calls_refused.",
        )
        self.tenant_spend_usd: CounterBy[str] = declare.counter_by(
            "tenant", "tenant_spend_usd", "US dollars", "The same US dollars as spend_usd by the student's tenant."
        )
        self.tenant_budget_used = declare.gauge_by(
            ("tenant", "limit"),
            "tenant_budget_used_ratio",
            "0 to 1, and above where more was used than reserved",
            "What is spent of a tenant's own limits of money, as the ledger said last: `usd/day`, `usd/week`, "
            "`usd/month`. Every worker reports all: take the max. Absent without a limit.",
        )

    def know_tenants(self, tenants: Iterable[str]) -> None:
        """Have series of each, at 0, so that a rate is known from the first record on."""
        for tenant in tenants:
            for counter in (self.tenant_records, self.tenant_events, self.tenant_updates, self.tenant_dead_letters):
                counter.know(tenant)
