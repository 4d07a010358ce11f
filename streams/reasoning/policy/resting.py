"""Tenants whose own calls are used up: nobody of theirs is asked about for a while, and nobody else waits. Pure."""

from collections.abc import Callable

from streams.spending.limits import no_tenant


class RestingTenants:
    """`tenant_of` tells whose a student is; times are µs of the caller's clock."""

    def __init__(self, tenant_of: Callable[[str], str] = no_tenant) -> None:
        self._tenant_of = tenant_of
        self._until_us: dict[str, int] = {}

    def rest(self, tenant: str, until_us: int) -> None:
        """Let a tenant rest until then."""
        self._until_us[tenant] = until_us

    def until_us(self, student: bytes, now_us: int) -> int | None:
        """Until when the tenant of this student rests; None where it does not."""
        if not self._until_us:
            return None
        tenant = self._tenant_of(student.decode(errors="replace"))
        until_us = self._until_us.get(tenant)
        if until_us is not None and until_us <= now_us:
            del self._until_us[tenant]
            return None
        return until_us
