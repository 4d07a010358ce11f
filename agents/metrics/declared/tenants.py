"""Of tenants, where several share the deployment. Labels are names of the operator's file, and `unsigned`."""

from agents.metrics.instruments import CounterBy, Declarations


class TenantMetrics:
    """By tenant; nothing where there are none."""

    def __init__(self, declare: Declarations) -> None:
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
